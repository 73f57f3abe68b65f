import type { User } from '@parley/client';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { client } from './session.js';

const SEARCH_DELAY_MS = 200;

interface Props {
  label: string;
  /** Usernames of those who are not offered. */
  without: ReadonlySet<string>;
  onPick: (user: User) => void;
}

/** Finds users by a part of their names, and offers them as buttons. */
export function PeopleSearch({ label, without, onPick }: Props) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [found, setFound] = useState<User[]>();
  useEffect(() => {
    const username = text.trim();
    setFound(undefined);
    if (!username) return undefined;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      client.api
        .GET('/api/users', { params: { query: { username } }, signal: stop.signal })
        .then(({ data }) => setFound(data.data))
        .catch(() => {});
    }, SEARCH_DELAY_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);

  const offered = found?.filter(({ username }) => !without.has(username));
  const pick = (user: User) => {
    input.current?.focus();
    setText('');
    onPick(user);
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        ref={input}
        id={id}
        type="search"
        autocomplete="off"
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          if (offered?.[0]) pick(offered[0]);
        }}
      />
      <p role="status" class="hint">
        {offered && (offered.length === 0 ? 'Nobody found.' : `${offered.length} found.`)}
      </p>
      <ul class="choices">
        {offered?.map((user) => (
          <li key={user.username}>
            <button type="button" onClick={() => pick(user)}>
              <Person user={user} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

export function Person({ user: { name, username } }: { user: User }) {
  return (
    <span class="person">
      <b dir="auto">{name}</b> <span>@{username}</span>
    </span>
  );
}
