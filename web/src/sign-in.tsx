import { useState } from 'preact/hooks';
import { useAction } from './hooks.js';
import { Field, Problem, textsOf } from './parts.js';
import { client } from './session.js';

export function SignIn({ onSignIn }: { onSignIn: () => void }) {
  const [isNew, setIsNew] = useState(false);
  const [notice, setNotice] = useState('');
  const { run, isBusy, error } = useAction();

  const submit = (event: Event) => {
    const text = textsOf(event);
    const [username, password] = [text('username').trim(), text('password')];
    void run(async () => {
      if (isNew) await client.signUp({ username, password, name: text('name'), email: text('email') });
      await client.login(username, password);
      onSignIn();
    });
  };

  const forgot = (event: MouseEvent) => {
    const username = (event.currentTarget as HTMLButtonElement).form?.username.value.trim();
    setNotice(username ? '' : 'Type your username first.');
    if (!username) return;
    void run(async () => {
      await client.api.GET('/api/auth/forgot-password', { params: { query: { username } } });
      setNotice('If this user exists, a mail with a link is on its way.');
    });
  };

  return (
    <main class="sign-in">
      <h1>Parley</h1>
      <form onSubmit={submit}>
        <h2>{isNew ? 'Create an account' : 'Log in'}</h2>
        <Field label="Username" name="username" autocomplete="username" maxLength={64} error={error} />
        {isNew && (
          <>
            <Field
              label="Name that others see"
              name="name"
              autocomplete="name"
              maxLength={128}
              error={error}
            />
            <Field label="E-mail" name="email" type="email" autocomplete="email" error={error} />
          </>
        )}
        <Field
          label="Password"
          name="password"
          type="password"
          autocomplete={isNew ? 'new-password' : 'current-password'}
        />
        <Problem error={error} />
        <p role="status">{notice}</p>
        <button disabled={isBusy}>{isNew ? 'Create account' : 'Log in'}</button>
        {!isNew && (
          <button type="button" class="quiet" onClick={forgot} disabled={isBusy}>
            Forgot your password?
          </button>
        )}
      </form>
      <button type="button" class="quiet" onClick={() => setIsNew(!isNew)}>
        {isNew ? 'Log in instead' : 'Create an account instead'}
      </button>
    </main>
  );
}
