import { randomKey, type User } from '@parley/client';
import { useState } from 'preact/hooks';
import { Field, Form, type Texts } from './parts.js';
import { PeopleSearch, UserList } from './people.js';
import { client, getUser } from './session.js';

const MAX_NAME_LENGTH = 128;

export function NewChat({ onCreated }: { onCreated: (chat: string) => Promise<void> }) {
  const [people, setPeople] = useState<User[]>([]);
  /** If an answer is lost, the chat is not made twice. */
  const [key] = useState(randomKey);
  const users = [getUser(), ...people];

  const create = async (text: Texts) => {
    const names = users.map(({ name }) => name).join(', ');
    const usualName = names.length <= MAX_NAME_LENGTH ? names : `${users.length} people`;
    const { data } = await client.api.POST('/api/chats', {
      params: { header: { 'Idempotency-Key': key } },
      body: {
        name: text('name').trim() || usualName,
        users: users.map(({ username }) => username),
        message: text('message'),
      },
    });
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
      <Form button="Begin" onSubmit={create}>
        <Field label="Name of the chat" name="name" required={false} maxLength={MAX_NAME_LENGTH} />
        <Field label="First message" name="message" />
      </Form>
    </>
  );
}
