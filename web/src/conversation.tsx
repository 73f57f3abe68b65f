import type { ChatState, Store } from '@parley/client';
import { type ComponentChildren, Fragment } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Composer } from './composer.js';
import { useIsLooking } from './hooks.js';
import { Members } from './members.js';
import { MessageItem, OutgoingItem } from './message.js';
import { UploadList, type Uploads } from './uploads.js';

/** Nearer to its end, a list counts as scrolled there. */
const NEAR_PX = 80;

interface Props {
  chat: ChatState;
  store: Store;
}

export function Conversation({ chat, store, uploads }: Props & { uploads: Uploads }) {
  const { uuid, messages, outgoing, users } = chat;
  const [showsMembers, setShowsMembers] = useState(false);
  const [isAtEnd, setIsAtEnd] = useState(true);
  const isLooking = useIsLooking();
  const title = useRef<HTMLHeadingElement>(null);
  /** The marker from before the unread messages were seen; undefined without such. */
  const [readBefore] = useState(chat.unread > 0 ? (chat.read ?? -1) : undefined);

  // The list of chats, which had the focus, is hidden on a phone.
  useEffect(() => {
    if (document.activeElement === document.body || isPhone()) title.current?.focus();
  }, []);

  const latest = messages.at(-1)?.index;
  useEffect(() => {
    if (isLooking && isAtEnd && latest !== undefined) store.markRead(uuid);
  }, [isLooking, isAtEnd, latest]);

  const typists = chat.typing.map((name) => users.find(({ username }) => username === name)?.name ?? name);
  const firstUnread = messages.find(({ index }) => index > (readBefore ?? Infinity))?.index;
  return (
    <section class="conversation" aria-label={chat.name}>
      <header>
        <a class="back" href="#">
          Back
        </a>
        <h1 ref={title} tabIndex={-1} dir="auto">
          {chat.name}
        </h1>
        <button type="button" class="quiet" onClick={() => setShowsMembers(true)}>
          Members
        </button>
      </header>
      <History chat={chat} store={store} onMove={setIsAtEnd}>
        {messages.map((message) => (
          <Fragment key={message.index}>
            {message.index === firstUnread && <li class="divider">New messages</li>}
            <MessageItem chat={chat} message={message} />
          </Fragment>
        ))}
        {outgoing.map((message) => (
          <OutgoingItem key={message.key} message={message} />
        ))}
      </History>
      <p class="typing" dir="auto">
        {typists.length > 0 && `${typists.join(', ')} ${typists.length > 1 ? 'are' : 'is'} typing…`}
      </p>
      <UploadList chat={uuid} uploads={uploads} />
      <Composer chat={uuid} onFiles={(files) => uploads.add(uuid, files)} />
      {showsMembers && <Members chat={chat} onClose={() => setShowsMembers(false)} />}
    </section>
  );
}

interface HistoryProps extends Props {
  /** Told whether the end of the list is seen. */
  onMove: (isAtEnd: boolean) => void;
  children: ComponentChildren;
}

const isPhone = () => !matchMedia('(hover: hover)').matches;

/** The list of messages. It stays at its end, or where its reader has scrolled to; its beginning loads older messages. */
function History({ chat, store, onMove, children }: HistoryProps) {
  const { uuid, messages, hasOlder, outgoing } = chat;
  const list = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const height = useRef(0);
  const first = useRef<number>(undefined);
  const [isLoading, setIsLoading] = useState(false);

  const noteScroll = () => {
    if (!list.current) return;
    const { scrollHeight, scrollTop, clientHeight } = list.current;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    onMove(isAtEnd.current);
    if (scrollTop < NEAR_PX && hasOlder && messages.length > 0) void loadOlder();
  };
  const loadOlder = async () => {
    setIsLoading(true);
    await store.loadOlder(uuid).catch(() => {});
    setIsLoading(false);
  };

  useLayoutEffect(() => {
    if (!list.current) return;
    const { scrollHeight } = list.current;
    const isOlderAdded = first.current !== undefined && messages[0]?.index !== first.current;
    if (isAtEnd.current) list.current.scrollTop = scrollHeight;
    else if (isOlderAdded) list.current.scrollTop += scrollHeight - height.current;
    first.current = messages[0]?.index;
    height.current = scrollHeight;
  }, [messages, outgoing]);

  // A picture that loads makes the list longer, and a keyboard makes what is seen of it shorter.
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (!list.current) return;
      if (isAtEnd.current) list.current.scrollTop = list.current.scrollHeight;
      height.current = list.current.scrollHeight;
    });
    for (const element of [list.current, list.current?.querySelector('ol')])
      if (element) observer.observe(element);
    return () => observer.disconnect();
  }, []);

  return (
    <div
      ref={list}
      class="history"
      role="log"
      aria-label="Messages"
      // Only new messages are read out.
      aria-live={isLoading || messages.length === 0 ? 'off' : 'polite'}
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- A region that scrolls needs the keyboard.
      tabIndex={0}
      onScroll={noteScroll}
    >
      {hasOlder && messages.length > 0 && (
        <button type="button" class="quiet" onClick={() => void loadOlder()}>
          Older messages
        </button>
      )}
      <ol>{children}</ol>
    </div>
  );
}
