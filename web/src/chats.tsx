import { randomKey, type StoreState } from '@parley/client';
import { useEffect, useState } from 'preact/hooks';
import { readAddress } from './address.js';
import { Conversation } from './conversation.js';
import { Sidebar } from './sidebar.js';
import { type Upload, UploadItem } from './uploads.js';

/** The page of a user who is logged in: the chats, and the one that the address names. */
export function Chats({ chats, connection, isLoaded }: StoreState) {
  const [uploads, setUploads] = useState<Upload[]>([]);
  const uuid = readAddress();
  const chat = chats.find((one) => one.uuid === uuid);
  const unread = chats.reduce((sum, one) => sum + one.unread, 0);
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Parley` : 'Parley';
  }, [unread]);

  const upload = (to: string, files: File[]) =>
    setUploads((all) => [...all, ...files.map((file) => ({ key: randomKey(), chat: to, file }))]);
  const forget = (key: string) => setUploads((all) => all.filter((one) => one.key !== key));
  return (
    <div class={uuid ? 'app shows-chat' : 'app'}>
      <p role="status" class="connection">
        {connection === 'offline' && 'No connection. What you send waits, and goes out by itself.'}
      </p>
      <Sidebar chats={chats} isLoaded={isLoaded} current={uuid} />
      <main>
        {chat ? (
          <Conversation key={chat.uuid} chat={chat} onFiles={(files) => upload(chat.uuid, files)} />
        ) : (
          <p class="empty">
            {isLoaded && (uuid ? 'You are not a member of this chat. ' : 'Choose a chat, or begin one. ')}
            <a class="back" href="#">
              Back
            </a>
          </p>
        )}
        <ul class="uploads">
          {uploads.map(({ key, chat: to, file }) => (
            <UploadItem key={key} chat={to} file={file} isShown={to === uuid} onEnd={() => forget(key)} />
          ))}
        </ul>
      </main>
    </div>
  );
}
