import { useState } from 'preact/hooks';
import { Field, Form, type ReadField } from './parts.js';
import { client, logIn } from './session.js';

const FORMS = {
  logIn: { title: 'Log in', submitLabel: 'Log in' },
  signUp: { title: 'Create an account', submitLabel: 'Create account' },
  forgot: { title: 'Forgot your password?', submitLabel: 'Mail a link' },
};

type FormId = keyof typeof FORMS;

const FORM_IDS = Object.keys(FORMS) as FormId[];

export function SignIn() {
  const [form, setForm] = useState<FormId>('logIn');
  const [switches, setSwitches] = useState(0);
  const [username, setUsername] = useState('');
  const [notice, setNotice] = useState('');
  const { title, submitLabel } = FORMS[form];

  const show = (other: FormId) => {
    setForm(other);
    setNotice('');
    setSwitches(switches + 1);
  };
  const submit = async (text: ReadField) => {
    const [name, password] = [username.trim(), text('password')];
    if (form === 'forgot') {
      await client.api.GET('/api/auth/forgot-password', { params: { query: { username: name } } });
      setNotice('If this user exists, a mail with a link is on its way.');
      setForm('logIn');
      return;
    }
    if (form === 'signUp') {
      await client.signUp({ username: name, password, name: text('name'), email: text('email') });
      // If the login fails, only the login is left to do.
      setForm('logIn');
    }
    await logIn(name, password);
  };

  return (
    <main class="sign-in">
      <h1>Parley</h1>
      <h2>{title}</h2>
      <Form key={switches} submitLabel={submitLabel} onSubmit={submit}>
        <Field
          label="Username"
          name="username"
          autocomplete="username"
          maxLength={64}
          value={username}
          onInput={({ currentTarget }) => setUsername(currentTarget.value)}
        />
        {form === 'signUp' && (
          <>
            <Field label="Name that others see" name="name" autocomplete="name" maxLength={128} />
            <Field label="E-mail" name="email" type="email" autocomplete="email" />
          </>
        )}
        {form !== 'forgot' && (
          <Field
            label="Password"
            name="password"
            type="password"
            autocomplete={form === 'signUp' ? 'new-password' : 'current-password'}
          />
        )}
      </Form>
      <p role="status">{notice}</p>
      {FORM_IDS.filter((other) => other !== form).map((other) => (
        <button key={other} onClick={() => show(other)}>
          {FORMS[other].title}
        </button>
      ))}
    </main>
  );
}
