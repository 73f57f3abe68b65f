import { randomKey, type User } from '@parley/client';
import { useRef, useState } from 'preact/hooks';
import { Field, Form, type ReadField } from './parts.js';
import { PeopleSearch, UserList } from './people.js';
import { client, getUser } from './session.js';

const MAX_NAME_LENGTH = 128;

export function NewChat({ onCreated }: { onCreated: (chat: string) => Promise<void> }) {
  const [people, setPeople] = useState<User[]>([]);
  /** The last request and its key: if its answer was lost, the same chat is not made twice. */
  const tried = useRef({ text: '', key: '' });
  const users = [getUser(), ...people];

  const create = async (text: ReadField) => {
    const names = users.map(({ name }) => name).join(', ');
    const usualName = names.length <= MAX_NAME_LENGTH ? names : `${users.length} people`;
    const body = {
      name: text('name').trim() || usualName,
      users: users.map(({ username }) => username),
      message: text('message'),
    };
    const sent = JSON.stringify(body);
    if (tried.current.text !== sent) tried.current = { text: sent, key: randomKey() };
    const params = { header: { 'Idempotency-Key': tried.current.key } };
    const { data } = await client.api.POST('/api/chats', { params, body });
    await onCreated(data.data.uuid);
  };
  return (
    <>
      <PeopleSearch label="Find people" without={users} onPick={(user) => setPeople([...people, user])} />
      <UserList label="People in the chat" users={people}>
        {(user) => (
          <button
            aria-label={`Remove ${user.name}`}
            onClick={() => setPeople(people.filter((one) => one !== user))}
          >
            ✕
          </button>
        )}
      </UserList>
      <Form submitLabel="Begin" onSubmit={create}>
        <Field label="Name of the chat" name="name" required={false} maxLength={MAX_NAME_LENGTH} />
        <Field label="First message" name="message" />
      </Form>
    </>
  );
}
