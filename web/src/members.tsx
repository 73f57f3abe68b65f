import type { ChatState, User } from '@parley/client';
import { useState } from 'preact/hooks';
import { useAction } from './hooks.js';
import { Dialog, Field, Problem, textsOf } from './parts.js';
import { PeopleSearch, Person } from './people.js';
import { client } from './session.js';

const PAGE_SIZE = 200;

/** Name and members of a chat, and what can be done about them. */
export function Members({ chat, onClose }: { chat: ChatState; onClose: () => void }) {
  const { run, isBusy, error } = useAction();
  const [all, setAll] = useState<User[]>();
  const own = client.session?.user.username ?? '';
  const isOwner = chat.owner === own;
  const params = { path: { chat: chat.uuid } };
  const users = all ?? chat.users;

  const update = (body: { name?: string; mode?: 'add' | 'delete'; user?: string }) =>
    run(async () => {
      await client.api.PUT('/api/chats/{chat}', { params, body });
      setAll(undefined);
    });
  const rename = (event: Event) => void update({ name: textsOf(event)('name') });
  const showAll = () =>
    run(async () => {
      const found: User[] = [];
      for (let after: string | null | undefined; after !== null;) {
        const query = { limit: PAGE_SIZE, ...(after && { after }) };
        const path = '/api/chats/{chat}/users';
        const { data } = await client.api.GET(path, { params: { ...params, query } });
        found.push(...data.data);
        after = data.next ?? null;
      }
      setAll(found);
    });
  const deleteChat = () => {
    if (!confirm('Delete this chat, with all messages and files, for everybody?')) return;
    void run(() => client.api.DELETE('/api/chats/{chat}', { params }));
  };

  return (
    <Dialog title="Members" onClose={onClose}>
      <ul class="picked">
        {users.map((user) => (
          <li key={user.username}>
            <Person user={user} />
            {user.username === chat.owner && <span class="hint">owner</span>}
            {isOwner && user.username !== own && (
              <button
                type="button"
                class="quiet"
                aria-label={`Remove ${user.name}`}
                disabled={isBusy}
                onClick={() => void update({ mode: 'delete', user: user.username })}
              >
                ✕
              </button>
            )}
          </li>
        ))}
      </ul>
      {chat.hasMoreUsers && !all && (
        <button type="button" class="quiet" onClick={() => void showAll()}>
          Show all members
        </button>
      )}
      <PeopleSearch
        label="Add people"
        without={new Set(users.map(({ username }) => username))}
        onPick={({ username }) => void update({ mode: 'add', user: username })}
      />
      <form onSubmit={rename}>
        <Field label="New name of the chat" name="name" maxLength={128} error={error} />
        <button disabled={isBusy}>Rename</button>
      </form>
      <Problem error={error} />
      <p class="buttons">
        <button type="button" disabled={isBusy} onClick={() => void update({ mode: 'delete', user: own })}>
          Leave the chat
        </button>
        {isOwner && (
          <button type="button" disabled={isBusy} onClick={deleteChat}>
            Delete the chat
          </button>
        )}
      </p>
    </Dialog>
  );
}
