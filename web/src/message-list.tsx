import type { ChatState } from '@parley/client';
import { Fragment } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { MessageItem, OutgoingItem } from './message.js';
import { store } from './session.js';

/** Nearer to its end, a list counts as scrolled there. */
const NEAR_PX = 80;

/** The messages of a chat. The list stays at its end, or where its reader has scrolled to; its beginning loads older ones. */
export function MessageList({ chat }: { chat: ChatState }) {
  const { uuid, messages, outgoing, hasOlder, isOpen } = chat;
  const list = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const top = useRef(0);
  const height = useRef(0);
  const [isLoading, setIsLoading] = useState(false);
  /** The marker from before the unread messages were seen. Without such, there is nothing behind it. */
  const [readBefore] = useState(chat.unread > 0 ? (chat.read ?? -1) : Infinity);
  const firstUnread = messages.find(({ index }) => index > readBefore)?.index;

  const markSeen = () => {
    const isSeen = isOpen && isAtEnd.current && document.visibilityState === 'visible' && document.hasFocus();
    if (isSeen) store.markRead(uuid);
  };
  useEffect(markSeen);

  const loadOlder = async () => {
    setIsLoading(true);
    await store.loadOlder(uuid).catch(() => {});
    setIsLoading(false);
  };
  const noteScroll = (element: HTMLElement) => {
    const { scrollHeight, scrollTop, clientHeight } = element;
    // Away from the end without having moved up, the list has grown: nobody has left the end.
    const hasStayed = isAtEnd.current && scrollTop >= top.current;
    isAtEnd.current = hasStayed || scrollHeight - scrollTop - clientHeight < NEAR_PX;
    top.current = scrollTop;
    markSeen();
    if (scrollTop < NEAR_PX && hasOlder && isOpen) void loadOlder();
  };
  useLayoutEffect(() => {
    if (list.current && !isAtEnd.current)
      list.current.scrollTop += list.current.scrollHeight - height.current;
  }, [messages[0]?.index]);

  // Messages and pictures make the list longer, and a keyboard makes what is seen of it shorter.
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (!list.current) return;
      height.current = list.current.scrollHeight;
      if (isAtEnd.current) list.current.scrollTop = height.current;
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
      aria-live={isLoading || !isOpen ? 'off' : 'polite'}
      tabIndex={0}
      onScroll={({ currentTarget }) => noteScroll(currentTarget)}
    >
      {hasOlder && isOpen && <button onClick={() => void loadOlder()}>Older messages</button>}
      <ol>
        {messages.map((message) => (
          <Fragment key={message.index}>
            {message.index === firstUnread && <li class="divider">New messages</li>}
            <MessageItem chat={chat} message={message} />
          </Fragment>
        ))}
        {outgoing.map((message) => (
          <OutgoingItem key={message.key} message={message} />
        ))}
      </ol>
    </div>
  );
}
