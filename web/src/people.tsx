import type { User } from '@parley/client';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from './parts.js';
import { client } from './session.js';

const SEARCH_DELAY_MS = 200;

interface SearchProps {
  label: string;
  /** Those who are not offered. */
  without: readonly User[];
  onPick: (user: User) => void;
}

/** Finds users by a part of their names, and offers them as buttons. */
export function PeopleSearch({ label, without, onPick }: SearchProps) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [{ users, error }, setResult] = useState<{ users?: User[]; error?: Error }>({});
  useEffect(() => {
    const username = text.trim();
    setResult({});
    if (!username) return undefined;
    const stop = new AbortController();
    const search = async () => {
      try {
        const init = { params: { query: { username } }, signal: stop.signal };
        setResult({ users: (await client.api.GET('/api/users', init)).data.data });
      } catch (thrown) {
        if (!stop.signal.aborted) setResult({ error: thrown as Error });
      }
    };
    const timer = setTimeout(() => void search(), SEARCH_DELAY_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);

  const offered = users?.filter((user) => !without.some(({ username }) => username === user.username));
  const pick = (user: User) => {
    input.current?.focus();
    setText('');
    onPick(user);
  };
  return (
    <div>
      <label>
        {label}
        <input
          ref={input}
          type="search"
          autocomplete="off"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <p role="status" class="hint">
        {offered && (offered.length === 0 ? 'Nobody found.' : `${offered.length} found.`)}
      </p>
      <Problem error={error} />
      <ul class="choices">
        {offered?.map((user) => (
          <li key={user.username}>
            <button onClick={() => pick(user)}>
              <Person user={user} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface ListProps {
  label: string;
  users: readonly User[];
  /** What stands beside a user. */
  children: (user: User) => ComponentChildren;
}

export function UserList({ label, users, children }: ListProps) {
  return (
    <ul class="people" aria-label={label}>
      {users.map((user) => (
        <li key={user.username}>
          <Person user={user} />
          {children(user)}
        </li>
      ))}
    </ul>
  );
}

function Person({ user: { name, username } }: { user: User }) {
  return (
    <span class="person">
      <b dir="auto">{name}</b> <span>@{username}</span>
    </span>
  );
}
