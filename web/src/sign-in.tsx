import { useState } from 'preact/hooks';
import { Field, Form, type Texts } from './parts.js';
import { client, logIn } from './session.js';

/** What the form may be for, and what its button then says. */
const BUTTONS = {
  'Log in': 'Log in',
  'Create an account': 'Create account',
  'Forgot your password?': 'Mail a link',
};

type Purpose = keyof typeof BUTTONS;

const PURPOSES = Object.keys(BUTTONS) as Purpose[];

export function SignIn() {
  const [purpose, setPurpose] = useState<Purpose>('Log in');
  const [notice, setNotice] = useState('');
  const isNew = purpose === 'Create an account';
  const isForgotten = purpose === 'Forgot your password?';

  const submit = async (text: Texts) => {
    const [username, password] = [text('username').trim(), text('password')];
    setNotice('');
    if (isForgotten) {
      await client.api.GET('/api/auth/forgot-password', { params: { query: { username } } });
      setNotice('If this user exists, a mail with a link is on its way.');
    }
    if (isNew) await client.signUp({ username, password, name: text('name'), email: text('email') });
    // What is left to do if the rest fails.
    setPurpose('Log in');
    if (!isForgotten) await logIn(username, password);
  };

  return (
    <main class="sign-in">
      <h1>Parley</h1>
      <h2>{purpose}</h2>
      <Form button={BUTTONS[purpose]} onSubmit={submit}>
        <Field label="Username" name="username" autocomplete="username" maxLength={64} />
        {isNew && (
          <>
            <Field label="Name that others see" name="name" autocomplete="name" maxLength={128} />
            <Field label="E-mail" name="email" type="email" autocomplete="email" />
          </>
        )}
        {!isForgotten && (
          <Field
            label="Password"
            name="password"
            type="password"
            autocomplete={isNew ? 'new-password' : 'current-password'}
          />
        )}
      </Form>
      <p role="status">{notice}</p>
      {PURPOSES.filter((other) => other !== purpose).map((other) => (
        <button key={other} onClick={() => setPurpose(other)}>
          {other}
        </button>
      ))}
    </main>
  );
}
