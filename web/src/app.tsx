import type { ConnectionState } from '@parley/client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Conversation } from './conversation.js';
import { addressOf, useChatInAddress, useStore } from './hooks.js';
import { client, forgetSession, keepSession } from './session.js';
import { Sidebar } from './sidebar.js';
import { SignIn } from './sign-in.js';
import { useUploads } from './uploads.js';

export function App() {
  const [session, setSession] = useState(client.session);
  useEffect(
    () => client.on('connection', (state) => state === 'refused' && leave(session?.token)),
    [session],
  );

  const signIn = () => {
    keepSession();
    setSession(client.session);
  };
  const logOut = () => {
    // If the server cannot be reached, the token lives until it expires.
    void client
      .logout()
      .catch(() => {})
      .then(() => leave(session?.token));
  };
  return session ? <Chats key={session.user.username} onLogOut={logOut} /> : <SignIn onSignIn={signIn} />;
}

/** Loads the page anew, so that nothing is left of the user: no draft, no upload, no picture. */
function leave(token: string | undefined): void {
  forgetSession(token);
  history.replaceState(undefined, '', location.pathname);
  location.reload();
}

/** Stays the same while attempts to connect come and go. */
function useIsOffline(connection: ConnectionState): boolean {
  const [isOffline, setIsOffline] = useState(false);
  useEffect(() => {
    if (connection !== 'connecting') setIsOffline(connection === 'offline');
  }, [connection]);
  return isOffline;
}

/** Focuses the link of the chat that was left, which a phone shows in its place. */
function useFocusOnReturn(uuid: string | undefined): void {
  const previous = useRef(uuid);
  useEffect(() => {
    if (!uuid && previous.current) {
      document.querySelector<HTMLElement>(`a[href="${addressOf(previous.current)}"]`)?.focus();
    }
    previous.current = uuid;
  }, [uuid]);
}

function Chats({ onLogOut }: { onLogOut: () => void }) {
  const [store] = useState(() => client.store());
  const { chats, connection, isLoaded } = useStore(store);
  const uuid = useChatInAddress();
  const chat = chats.find((one) => one.uuid === uuid);
  const isOffline = useIsOffline(connection);
  const uploads = useUploads();
  /** The chat that the server was asked for. */
  const [asked, setAsked] = useState<string>();
  const unread = chats.reduce((sum, one) => sum + one.unread, 0);
  useEffect(() => {
    // The event of a new chat may be late.
    if (!uuid) return undefined;
    const settle = () => setAsked(uuid);
    store.open(uuid).then(settle, settle);
    return () => store.close(uuid);
  }, [store, uuid]);
  useFocusOnReturn(uuid);
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Parley` : 'Parley';
  }, [unread]);
  return (
    <div class={chat ? 'app shows-chat' : 'app'}>
      <p role="status" class="connection">
        {isOffline && 'No connection. What you send waits, and goes out by itself.'}
      </p>
      <Sidebar chats={chats} isLoaded={isLoaded} current={uuid} onLogOut={onLogOut} />
      <main>
        {chat ? (
          <Conversation key={chat.uuid} chat={chat} store={store} uploads={uploads} />
        ) : (
          <p class="empty">
            {uuid && uuid === asked
              ? 'You are not a member of this chat.'
              : 'Choose a chat, or begin a new one.'}
          </p>
        )}
      </main>
    </div>
  );
}
