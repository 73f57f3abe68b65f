import type { ChatState } from '@parley/client';
import { useEffect, useRef } from 'preact/hooks';
import { addressOf } from './address.js';
import { Composer, isPhone } from './composer.js';
import { History } from './history.js';
import { Members } from './members.js';
import { DialogButton } from './parts.js';
import { store } from './session.js';

export function Conversation({ chat, onFiles }: { chat: ChatState; onFiles: (files: File[]) => void }) {
  const { uuid, name, typing, users } = chat;
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    store.open(uuid).catch(() => {});
    if (isPhone()) title.current?.focus();
    return () => {
      store.close(uuid);
      document.querySelector<HTMLElement>(`a[href="${addressOf(uuid)}"]`)?.focus();
    };
  }, []);

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
      <History chat={chat} />
      <p class="typing" dir="auto">
        {typists.length > 0 && `${typists.join(', ')} ${typists.length > 1 ? 'are' : 'is'} typing…`}
      </p>
      <Composer chat={uuid} onFiles={onFiles} />
    </section>
  );
}
