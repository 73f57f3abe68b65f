import type { ChatState, Message } from '@parley/client';
import { useState } from 'preact/hooks';
import { addressOf } from './hooks.js';
import { NewChat } from './new-chat.js';
import { Rooms } from './rooms.js';
import { client } from './session.js';

interface Props {
  chats: readonly ChatState[];
  isLoaded: boolean;
  current: string | undefined;
  onLogOut: () => void;
}

export function Sidebar({ chats, isLoaded, current, onLogOut }: Props) {
  const [dialog, setDialog] = useState<'chat' | 'rooms'>();
  const close = () => setDialog(undefined);
  const open = (chat: string) => {
    close();
    location.hash = addressOf(chat);
  };
  return (
    <nav class="sidebar" aria-label="Chats">
      <header>
        <h1 dir="auto">{client.session?.user.name}</h1>
        <button type="button" class="quiet" onClick={onLogOut}>
          Log out
        </button>
      </header>
      <p class="buttons">
        <button type="button" onClick={() => setDialog('chat')}>
          New chat
        </button>
        <button type="button" onClick={() => setDialog('rooms')}>
          Rooms
        </button>
      </p>
      {isLoaded && chats.length === 0 && <p class="hint">No chats yet.</p>}
      <ul class="chats">
        {chats.map((chat) => (
          <li key={chat.uuid}>
            <a href={addressOf(chat.uuid)} aria-current={chat.uuid === current ? 'page' : undefined}>
              <span class="name" dir="auto">
                {chat.name}
              </span>
              <span class="preview" dir="auto">
                {chat.typing.length > 0 ? 'typing…' : previewOf(chat.latest)}
              </span>
              {chat.unread > 0 && (
                <span class="badge">
                  {chat.unread > 99 ? '99+' : chat.unread} <span class="hidden">unread</span>
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
      {dialog === 'chat' && <NewChat onClose={close} onCreated={open} />}
      {dialog === 'rooms' && <Rooms onClose={close} onJoined={open} />}
    </nav>
  );
}

function previewOf(message: Message | undefined): string {
  if (!message) return '';
  const text =
    message.message || message.file?.filename || (message.type === 'image' ? 'a picture' : 'a file');
  return `${message.sender.name}: ${text}`;
}
