import type { ChatState, Message } from '@parley/client';
import { addressOf } from './address.js';
import { NewChat } from './new-chat.js';
import { DialogButton } from './parts.js';
import { Rooms } from './rooms.js';
import { getUser, logOut, store } from './session.js';

interface Props {
  chats: readonly ChatState[];
  isLoaded: boolean;
  current: string | undefined;
}

export function Sidebar({ chats, isLoaded, current }: Props) {
  const openChat = async (chat: string, close: () => void) => {
    // The event of a new chat may be late.
    await store.open(chat);
    close();
    location.hash = addressOf(chat);
  };
  return (
    <nav class="sidebar" aria-label="Chats">
      <header>
        <h1 dir="auto">{getUser().name}</h1>
        <button onClick={logOut}>Log out</button>
      </header>
      <p class="buttons">
        <DialogButton label="New chat">
          {(close) => <NewChat onCreated={(chat) => openChat(chat, close)} />}
        </DialogButton>
        <DialogButton label="Rooms">
          {(close) => <Rooms onJoined={(chat) => openChat(chat, close)} />}
        </DialogButton>
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
    </nav>
  );
}

function previewOf(message: Message | undefined): string {
  if (!message) return '';
  return `${message.sender.name}: ${message.message || message.file?.filename || 'a picture'}`;
}
