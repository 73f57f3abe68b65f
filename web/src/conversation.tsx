import type { ChatState } from '@parley/client';
import { useEffect, useRef } from 'preact/hooks';
import { addressOf, readAddress } from './address.js';
import { Composer } from './composer.js';
import { usesTouch } from './device.js';
import { Members } from './members.js';
import { MessageList } from './message-list.js';
import { DialogButton } from './parts.js';
import { store } from './session.js';

export function Conversation({ chat, onFiles }: { chat: ChatState; onFiles: (files: File[]) => void }) {
  const { uuid, name, typing, users } = chat;
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (usesTouch()) title.current?.focus();
    return () => {
      store.close(uuid);
      if (readAddress()) return;
      document.querySelector<HTMLElement>(`a[href="${addressOf(uuid)}"]`)?.focus();
    };
  }, []);
  // A chat that its user has left and joined again is not open any more.
  useEffect(() => {
    if (!chat.isOpen) store.open(uuid).catch(() => {});
  }, [chat.isOpen]);

  const typists = typing.map((typist) => users.find(({ username }) => username === typist)?.name ?? typist);
  return (
    <section class="conversation" aria-label={name}>
      <header>
        <a class="back" href="#">
          Back
        </a>
        <h1 ref={title} tabIndex={-1} dir="auto">
          {name}
        </h1>
        <DialogButton label="Members">{() => <Members chat={chat} />}</DialogButton>
      </header>
      <MessageList chat={chat} />
      <p class="typing" dir="auto">
        {typists.length > 0 && `${typists.join(', ')} ${typists.length > 1 ? 'are' : 'is'} typing…`}
      </p>
      <Composer chat={uuid} onFiles={onFiles} />
    </section>
  );
}
