import { randomKey, type User } from '@parley/client';
import { useRef, useState } from 'preact/hooks';
import { useAction } from './hooks.js';
import { Dialog, Field, Problem, textsOf } from './parts.js';
import { PeopleSearch, Person } from './people.js';
import { client } from './session.js';

const MAX_NAME_LENGTH = 128;

interface Props {
  onClose: () => void;
  onCreated: (chat: string) => void;
}

export function NewChat({ onClose, onCreated }: Props) {
  const [people, setPeople] = useState<User[]>([]);
  const { run, isBusy, error } = useAction();
  /** What was sent last, and its key: if the answer was lost, the same chat is not made twice. */
  const tried = useRef({ text: '', key: '' });
  const own = client.session?.user ?? { name: '', username: '' };

  const submit = (event: Event) => {
    const text = textsOf(event);
    const names = [own, ...people].map(({ name }) => name).join(', ');
    const usualName = names.length <= MAX_NAME_LENGTH ? names : `${people.length + 1} people`;
    const body = {
      name: text('name').trim() || usualName,
      // A chat with nobody else is one for notes.
      users: people.length > 0 ? people.map(({ username }) => username) : [own.username],
      message: text('message'),
    };
    const sent = JSON.stringify(body);
    if (tried.current.text !== sent) tried.current = { text: sent, key: randomKey() };
    const params = { header: { 'Idempotency-Key': tried.current.key } };
    void run(async () => {
      const { data } = await client.api.POST('/api/chats', { params, body });
      onCreated(data.data.uuid);
    });
  };

  return (
    <Dialog title="New chat" onClose={onClose}>
      <PeopleSearch
        label="Find people"
        without={new Set([own, ...people].map(({ username }) => username))}
        onPick={(user) => setPeople([...people, user])}
      />
      <ul class="picked" aria-label="People in the chat">
        {people.map((user) => (
          <li key={user.username}>
            <Person user={user} />
            <button
              type="button"
              class="quiet"
              aria-label={`Remove ${user.name}`}
              onClick={() => setPeople(people.filter((one) => one !== user))}
            >
              ✕
            </button>
          </li>
        ))}
      </ul>
      <form onSubmit={submit}>
        <Field
          label="Name of the chat"
          name="name"
          required={false}
          maxLength={MAX_NAME_LENGTH}
          error={error}
        />
        <Field label="First message" name="message" autocomplete="off" error={error} />
        <Problem error={error} />
        <button disabled={isBusy}>Begin</button>
      </form>
    </Dialog>
  );
}
