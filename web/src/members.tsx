import type { ChatState } from '@parley/client';
import { leaveAddress } from './address.js';
import { Field, Form, Problem, useAction } from './parts.js';
import { PeopleSearch, UserList } from './people.js';
import { client, getUser } from './session.js';

/** Name and members of a chat, and what can be done about them. */
export function Members({ chat }: { chat: ChatState }) {
  const { run, error } = useAction();
  const own = getUser().username;
  const isOwner = chat.owner === own;
  const params = { path: { chat: chat.uuid } };

  const update = (body: { name: string } | { mode: 'add' | 'delete'; user: string }) =>
    client.api.PUT('/api/chats/{chat}', { params, body });
  const leave = async () => {
    await update({ mode: 'delete', user: own });
    leaveAddress(chat.uuid);
  };
  const deleteChat = async () => {
    if (!confirm('Delete this chat, with all messages and files, for everybody?')) return;
    await client.api.DELETE('/api/chats/{chat}', { params });
    leaveAddress(chat.uuid);
  };
  return (
    <>
      <UserList label="Members" users={chat.users}>
        {({ username, name }) =>
          username === chat.owner ? (
            <span class="hint">owner</span>
          ) : (
            isOwner && (
              <button
                aria-label={`Remove ${name}`}
                onClick={() => void run(() => update({ mode: 'delete', user: username }))}
              >
                ✕
              </button>
            )
          )
        }
      </UserList>
      {chat.hasMoreUsers && <p class="hint">And more.</p>}
      <PeopleSearch
        label="Add people"
        without={chat.users}
        onPick={({ username }) => void run(() => update({ mode: 'add', user: username }))}
      />
      <Problem error={error} />
      <Form submitLabel="Rename" onSubmit={(text) => update({ name: text('name') })}>
        <Field label="New name of the chat" name="name" maxLength={128} />
      </Form>
      <p class="buttons">
        <button onClick={() => void run(leave)}>Leave the chat</button>
        {isOwner && <button onClick={() => void run(deleteChat)}>Delete the chat</button>}
      </p>
    </>
  );
}
