import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Reader } from '#src/database/unit-of-work.js';
import { digest, type Json, type Member } from '../support/parley.js';
import { removalsDone } from '../support/removals.js';
import { startServer, type TestServer } from '../support/server.js';
import { skipTo } from '../support/skip-to.js';
import { tally } from '../support/tally.js';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.close());

const SUCCESS = { status: 200, body: { status: 'success' } };
const failure = (status: number, reason: string) => ({
  status,
  body: expect.objectContaining({ status: 'error', reason }) as unknown,
});

const signUp = (username: string, options?: { name?: string; email?: string }) =>
  server.parley.signUp(username, options);
const register = (body: unknown) => server.parley.post('/api/users', body);
const pathOf = (username: string) => `/api/users/${encodeURIComponent(username)}`;
const lookAt = async (user: Member, username = user.username): Promise<Json> =>
  (await user.get(pathOf(username))).body.data;
const logIn = (username: string, password: string) =>
  server.parley.post('/api/auth/login', { username, password });

let counter = 0;

/** Returns a valid registration with unique values, overridden by `fields`. */
function registration(fields: Record<string, unknown> = {}) {
  counter += 1;
  const username = `reg${counter}`;
  return { username, password: digest(username), email: `${username}@reg.example`, name: 'Reg', ...fields };
}

/** Returns a unique text of `length` code points. */
function unique(length: number, filler: string): string {
  counter += 1;
  const start = `u${counter}`;
  return start + filler.repeat(length - start.length);
}

async function count(table: string, condition: string, ...parameters: (string | number)[]): Promise<number> {
  const [{ found }] = await server.app
    .get(Reader)
    .query<{ found: number }>(`SELECT COUNT(*) AS found FROM ${table} WHERE ${condition}`, parameters);
  return found;
}

describe('registering', () => {
  test('creates an unverified user who can log in, and sends a mail', async () => {
    const body = registration({ username: 'Novice', name: 'A Novice', email: 'Novice@example.com' });
    expect(await register(body)).toEqual({ ...SUCCESS, headers: expect.anything() });
    const token = await server.parley.login('Novice', body.password);
    expect((await server.parley.get('/api/users/novice', { token })).body.data).toEqual({
      name: 'A Novice',
      username: 'Novice',
      email: 'Novice@example.com',
      verified: false,
    });
    await server.mailbox.waitForToken('Novice@example.com', /^Welcome/);
  });

  test('ignores fields that are not in the contract', async () => {
    const body = registration({ verified: true, id: 1, createdAt: 5, constructor: 'x', toString: 5 });
    expect(await register(body)).toMatchObject(SUCCESS);
    const token = await server.parley.login(body.username, body.password);
    const { data } = (await server.parley.get(`/api/users/${body.username}`, { token })).body;
    expect(data).toEqual({ name: 'Reg', username: body.username, email: body.email, verified: false });
  });

  test.each(['username', 'password', 'email', 'name'])('%s is required', async (field) => {
    expect(await register(registration({ [field]: undefined }))).toMatchObject(
      failure(400, `field '${field}' must be present`),
    );
  });

  test.each(
    ['username', 'password', 'email', 'name'].flatMap((field) =>
      [null, 5, true, ['a@el.x'], { a: 'a@el.x' }, '', 'a@el.x\0', 'a@el.x\ud800', '\udc00a@el.x'].map(
        (value) => [field, value] as const,
      ),
    ),
  )('a %s of %j is a bad request that names the field', async (field, value) => {
    const answer = await register(registration({ [field]: value }));
    expect(answer.status).toBe(400);
    expect(answer.body.reason).toMatch(new RegExp(`^field '${field}' must `));
  });

  test.each<[string, string, string]>([
    ['username', 'has 65 characters', 'u'.repeat(65)],
    ['username', 'has 65 characters outside the BMP', '𠀀'.repeat(65)],
    ['username', 'is one dot', '.'],
    ['username', 'is dots alone', '...'],
    ['username', 'is dots alone once folded', '．．'],
    ['username', 'has a space', 'al ex'],
    ['username', 'ends with a space', 'alex '],
    ['username', 'ends with a line break', 'alex\n'],
    ['username', 'has a no-break space', 'al\u00a0ex'],
    ['username', 'has a zero-width space', 'al\u200bex'],
    ['username', 'has a direction mark', 'al\u202eex'],
    ['username', 'has a slash', 'al/ex'],
    ['username', 'has a percent sign', 'al%ex'],
    ['username', 'has a quote', "al'ex"],
    ['username', 'has an @', 'al@ex'],
    ['username', 'has an emoji', 'alex😀'],
    ['username', 'begins with a mark', '\u0301alex'],
    ['username', 'has a mark on a dot', 'alex.\u0301'],
    ['username', 'unfolds into words', 'ﷺ'],
    ['username', 'unfolds into brackets', '⒜'],
    ['password', 'is in the clear', 'secret'],
    ['password', 'has 63 digits', 'a'.repeat(63)],
    ['password', 'has 65 digits', 'a'.repeat(65)],
    ['password', 'has a letter after f', `${'a'.repeat(63)}g`],
    ['password', 'has full-width digits', '１'.repeat(64)],
    ['password', 'ends with a line break', `${'a'.repeat(64)}\n`],
    ['email', 'has 4 characters', 'a@el'],
    ['email', 'has 255 characters', `${'a'.repeat(248)}@e.test`],
    ['email', 'has no @', 'alex.example'],
    ['email', 'begins with its only @', '@example.com'],
    ['email', 'ends with its only @', 'alex.example@'],
    ['email', 'has a space', 'a b@el.x'],
    ['email', 'begins with a space', ' a@el.x'],
    ['email', 'has a tab', 'a@el\t.x'],
    ['email', 'has a line feed', 'a@el.x\nBcc: b@el.x'],
    ['email', 'ends with a line feed', 'a@el.x\n'],
    ['email', 'has a carriage return', 'a@el.x\rX'],
    ['email', 'has a line separator', 'a@el\u2028.x'],
    ['email', 'has a next-line character', 'a@el\u0085.x'],
    ['email', 'has an ideographic space', 'a\u3000@el.x'],
    ['email', 'has a no-break space', 'a\u00a0@el.x'],
    ['name', 'has 129 characters', 'n'.repeat(129)],
    ['name', 'has 129 emoji', '😀'.repeat(129)],
  ])('a %s that %s is a bad request that names the field', async (field, _, value) => {
    const answer = await register(registration({ [field]: value }));
    expect(answer.status).toBe(400);
    expect(answer.body.reason).toMatch(new RegExp(`^field '${field}' must `));
  });

  test.each<[string, string, () => string]>([
    ['username', 'of one letter', () => 'Q'],
    ['username', 'of 64 letters', () => unique(64, 'x')],
    ['username', 'of 64 characters, most outside the BMP', () => unique(64, '𠀀')],
    ['username', 'of letters that unfold into four', () => unique(64, 'ﷲ')],
    ['username', 'of all that is allowed', () => '.-_Az09.'],
    ['username', 'of one dash', () => '-'],
    ['username', 'of dots and a letter', () => '..x'],
    ['username', 'in Devanagari, with marks', () => 'नमस्ते'],
    ['username', 'in Arabic, with digits', () => 'سلام٣'],
    ['username', 'in Hangul', () => '안녕'],
    ['username', 'like a property of an object', () => '__proto__'],
    ['email', 'of the reference', () => 'a@el.x'],
    ['email', 'of the other reference', () => 'al@e.x'],
    ['email', 'of 254 characters', () => `${unique(247, 'a')}@e.test`],
    ['email', 'of 254 characters, most outside the BMP', () => `${unique(247, '😀')}@e.test`],
    ['email', 'of any script', () => 'пошта@приклад.укр'],
    ['email', 'with a plus', () => 'alex+parley@example.com'],
    ['name', 'of one character', () => 'N'],
    ['name', 'of 128 emoji', () => '😀'.repeat(128)],
    ['name', 'of families', () => '👨‍👩‍👧‍👦 “Ünï” \u202e ﷽'],
    ['name', 'of markup', () => `<b>'"&</b>`],
  ])('a %s %s is stored unchanged', async (field, _, value) => {
    const body = registration({ [field]: value() }) as Record<string, string>;
    expect(await register(body)).toMatchObject(SUCCESS);
    const token = await server.parley.login(body.username, body.password);
    const { data } = (await server.parley.get(pathOf(body.username), { token })).body;
    expect(data).toEqual({
      name: body.name,
      username: body.username,
      email: body.email,
      verified: false,
    });
  });

  test('a username is counted and shown in NFC', async () => {
    const body = registration({ username: 'e\u0301'.repeat(64) });
    expect(await register(body)).toMatchObject(SUCCESS);
    const token = await server.parley.login(body.username, body.password);
    const { data } = (await server.parley.get(pathOf(body.username), { token })).body;
    expect(data.username).toBe('é'.repeat(64));
  });

  test.each([
    ['broken JSON', '{"username":'],
    ['an array', '[]'],
    ['null', 'null'],
    ['text', '"alex"'],
    ['not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ])('a body that is %s is a bad request', async (_, raw) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await server.parley.post('/api/users', undefined, { raw, headers });
    expect(answer.status).toBe(400);
    expect(answer.body.reason).toContain('request body');
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', ''])(
    'a body that is declared as %j is a bad request',
    async (type) => {
      const raw = JSON.stringify(registration());
      const answer = await server.parley.post('/api/users', undefined, {
        raw: new TextEncoder().encode(raw),
        headers: type ? { 'content-type': type } : {},
      });
      expect(answer).toMatchObject(failure(400, "header 'Content-Type' must be 'application/json'"));
    },
  );

  test('accepts a charset in the Content-Type', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    const raw = JSON.stringify(registration());
    expect(await server.parley.post('/api/users', undefined, { raw, headers })).toMatchObject(SUCCESS);
  });
});

describe('a username that is taken', () => {
  test.each([
    ['as it is', 'Taken-Name', 'Taken-Name'],
    ['in upper case', 'taken-upper', 'TAKEN-UPPER'],
    ['in lower case', 'Taken-Lower', 'taken-lower'],
    ['in full-width letters', 'taken-wide', 'ｔaken-wide'],
    ['decomposed', 'taken-é', 'taken-e\u0301'],
    ['decomposed and in upper case', 'taken-ö', 'TAKEN-O\u0308'],
    ['with a ligature', 'taken-fine', 'taken-ﬁne'],
    ['in bold mathematical letters', 'taken-math', 'taken-𝐦ath'],
    ['with a Kelvin sign', 'taken-k', 'taken-\u212a'],
    ['with a capital I, whatever the locale', 'taken-digit', 'TAKEN-DIGIT'],
    ['in Greek capitals', 'νίκος', 'ΝΊΚΟΣ'],
  ])('is rejected %s', async (_, first, second) => {
    expect(await register(registration({ username: first }))).toMatchObject(SUCCESS);
    expect(await register(registration({ username: second }))).toMatchObject(
      failure(409, 'username is already taken'),
    );
  });

  test.each([
    ['resume', 'résumé'],
    ['digit', 'dıgıt'],
    ['dot.ted', 'dotted'],
    ['under_score', 'underxscore'],
    ['strasse', 'straße'],
    ['か', 'が'],
    ['は', 'ハ'],
  ])('%s is not %s', async (first, second) => {
    expect(await register(registration({ username: first }))).toMatchObject(SUCCESS);
    expect(await register(registration({ username: second }))).toMatchObject(SUCCESS);
  });

  test('is given to one of 50 concurrent registrations', async () => {
    const bodies = Array.from({ length: 50 }, (_, index) =>
      registration({ username: index % 2 ? 'Wanted' : 'WANTED' }),
    );
    const answers = await Promise.all(bodies.map(register));
    expect(tally(answers)).toEqual({ 200: 1, 409: 49 });
    const winner = bodies[answers.findIndex(({ status }) => status === 200)];
    expect(await logIn('wanted', winner.password)).toMatchObject({ status: 200 });
    expect(await count('users', 'username_key = ?', 'wanted')).toBe(1);
    const emails = bodies.map(({ email }) => email);
    const mails = await count('mails', `address IN (${emails.map(() => '?').join(', ')})`, ...emails);
    expect(mails).toBe(1);
  });
});

describe('an email that is taken', () => {
  test.each([
    ['as it is', 'taken@email.x', 'taken@email.x'],
    ['in upper case', 'upper@email.x', 'UPPER@EMAIL.X'],
    ['in lower case', 'Lower@Email.x', 'lower@email.x'],
    ['decomposed', 'é@email.x', 'e\u0301@email.x'],
    ['in Cyrillic capitals', 'пошта@email.x', 'ПОШТА@EMAIL.X'],
  ])('is rejected %s', async (_, first, second) => {
    expect(await register(registration({ email: first }))).toMatchObject(SUCCESS);
    expect(await register(registration({ email: second }))).toMatchObject(
      failure(409, 'email is already taken'),
    );
  });

  test.each([
    ['😀@email.x', '😁@email.x'],
    ['resume@email.x', 'résumé@email.x'],
    ['per%@email.x', 'perc@email.x'],
  ])('%s is not %s', async (first, second) => {
    expect(await register(registration({ email: first }))).toMatchObject(SUCCESS);
    expect(await register(registration({ email: second }))).toMatchObject(SUCCESS);
  });

  test('is given to one of 50 concurrent registrations', async () => {
    const bodies = Array.from({ length: 50 }, () => registration({ email: 'wanted@email.x' }));
    const answers = await Promise.all(bodies.map(register));
    expect(tally(answers)).toEqual({ 200: 1, 409: 49 });
    const rejected = answers.find(({ status }) => status === 409);
    expect(rejected?.body.reason).toBe('email is already taken');
    expect(await count('mails', 'address = ?', 'wanted@email.x')).toBe(1);
  });

  test('leaves no trace of the rejected registration', async () => {
    await register(registration({ email: 'left@email.x' }));
    const body = registration({ email: 'left@email.x' });
    expect((await register(body)).status).toBe(409);
    expect(await logIn(body.username, body.password)).toMatchObject({ status: 401 });
    expect(await register({ ...body, email: 'right@email.x' })).toMatchObject(SUCCESS);
  });
});

describe('describing', () => {
  let alex: Member;
  let sam: Member;

  beforeAll(async () => {
    alex = await signUp('Alex', { name: 'Alex the Great', email: 'Alex@desc.example' });
    sam = await signUp('sam');
  });

  test('oneself shows the email, and whether it is verified', async () => {
    expect(await lookAt(alex)).toEqual({ ...alex.user, email: 'Alex@desc.example', verified: false });
  });

  test('others shows only the name and the username', async () => {
    expect(await lookAt(sam, 'Alex')).toEqual({ name: 'Alex the Great', username: 'Alex' });
  });

  test.each(['Alex', 'alex', 'ALEX', 'ａlex', '𝐚lex'])('finds Alex as %s', async (username) => {
    expect(await lookAt(sam, username)).toEqual(alex.user);
    expect(await lookAt(alex, username)).toHaveProperty('email');
  });

  test.each(['nobody', 'alex ', ' alex', 'ale', 'al%', '%', 'ale_', 'álex', 'alex\0', '😀', 'x'.repeat(300)])(
    '%j is an unknown user',
    async (username) => {
      const answer = await sam.get(pathOf(username));
      expect(answer.status).toBe(400);
      expect(answer.body.reason).toBe(`user '${username}' does not exist`);
    },
  );

  test('a path that is not UTF-8 is a bad request', async () => {
    expect((await sam.get('/api/users/%ff')).status).toBe(400);
  });

  test('requires a token, for an unknown user too', async () => {
    for (const username of ['alex', 'nobody']) {
      expect(await server.parley.get(`/api/users/${username}`)).toMatchObject(
        failure(401, "header 'Authorization' must be present"),
      );
    }
  });
});

describe('a username of any script in the path', () => {
  test.each(['Ünïcødé.用户', 'हिन्दी', '𠀀𠀁', 'e\u0301cole'])('%s', async (username) => {
    const user = await signUp(username, { name: 'Somebody', email: `${username}@path.example` });
    const shown = username.normalize('NFC');
    expect(await lookAt(user)).toMatchObject({ username: shown, name: 'Somebody' });
    expect(await user.put(pathOf(username.toUpperCase()), { name: 'Else' })).toMatchObject(SUCCESS);
    expect(await lookAt(user)).toMatchObject({ username: shown, name: 'Else' });
    expect(await user.delete(pathOf(username))).toMatchObject(SUCCESS);
    expect((await user.get(pathOf(username))).status).toBe(401);
  });
});

describe('updating', () => {
  let alex: Member;
  let sam: Member;

  beforeAll(async () => {
    alex = await signUp('upd-alex');
    sam = await signUp('upd-sam');
  });

  const update = (user: Member, body: unknown) => user.put(pathOf(user.username), body);

  test('the name is visible to others and changes nothing else', async () => {
    const user = await signUp('upd-name');
    expect(await update(user, { name: 'Krantz 😀' })).toMatchObject(SUCCESS);
    expect(await lookAt(user)).toEqual({
      name: 'Krantz 😀',
      username: 'upd-name',
      email: user.email,
      verified: false,
    });
    expect(await lookAt(sam, 'upd-name')).toEqual({ name: 'Krantz 😀', username: 'upd-name' });
    expect((await logIn(user.username, user.password)).status).toBe(200);
  });

  test('the name also changes it in chats and messages', async () => {
    const user = await signUp('upd-shown');
    const chat = await user.createChat([sam]);
    await update(user, { name: 'Shown' });
    const { users, messages } = await sam.describeChat(chat);
    expect(users[0].name).toBe('Shown');
    expect(messages[0].sender).toEqual({ name: 'Shown', username: 'upd-shown' });
  });

  test('the password sends a mail and leaves the tokens valid', async () => {
    const user = await signUp('upd-password');
    const password = digest('upd-password, new');
    expect(await update(user, { password })).toMatchObject(SUCCESS);
    expect((await logIn(user.username, user.password)).status).toBe(401);
    expect((await logIn(user.username, password)).status).toBe(200);
    expect((await user.get('/api/chats')).status).toBe(200);
    await server.mailbox.waitFor(user.email, /^Your password was changed$/);
  });

  test('the email makes it unverified, sends a mail to it, and frees the old one', async () => {
    const user = await signUp('upd-email');
    const old = await server.mailbox.waitForToken(user.email, /^Welcome/);
    await server.parley.get(`/api/auth/verify-email?token=${old}`);
    expect(await lookAt(user)).toMatchObject({ verified: true });
    expect(await update(user, { email: 'al@up.x' })).toMatchObject(SUCCESS);
    expect(await lookAt(user)).toMatchObject({ email: 'al@up.x', verified: false });
    await server.mailbox.waitForToken('al@up.x', /^Verify your new email address$/);
    expect(await register(registration({ email: user.email }))).toMatchObject(SUCCESS);
  });

  test('the email to the same value leaves it verified', async () => {
    const user = await signUp('upd-same');
    const token = await server.mailbox.waitForToken(user.email, /^Welcome/);
    await server.parley.get(`/api/auth/verify-email?token=${token}`);
    expect(await update(user, { email: user.email })).toMatchObject(SUCCESS);
    expect(await lookAt(user)).toMatchObject({ verified: true });
  });

  test('the case of one’s own email is allowed', async () => {
    const user = await signUp('upd-case');
    expect(await update(user, { email: user.email.toUpperCase() })).toMatchObject(SUCCESS);
    expect(await lookAt(user)).toMatchObject({ email: user.email.toUpperCase() });
  });

  test('all fields at once', async () => {
    const user = await signUp('upd-all');
    const password = digest('upd-all, new');
    expect(await update(user, { name: 'All', email: 'all@up.x', password })).toMatchObject(SUCCESS);
    expect(await lookAt(user)).toMatchObject({ name: 'All', email: 'all@up.x', verified: false });
    expect((await logIn(user.username, password)).status).toBe(200);
    // The old address is told, in case somebody else has taken over the account.
    await server.mailbox.waitFor(user.email, /^Your password was changed$/);
    await server.mailbox.waitForToken('all@up.x', /^Verify your new email address$/);
  });

  test('to a taken email changes no field', async () => {
    const user = await signUp('upd-conflict');
    const body = { name: 'Other', email: sam.email.toUpperCase(), password: digest('other') };
    expect(await update(user, body)).toMatchObject(failure(409, 'email is already taken'));
    expect(await lookAt(user)).toEqual({ ...user.user, email: user.email, verified: false });
    expect((await logIn(user.username, user.password)).status).toBe(200);
    expect(await count('mails', `address = ? AND kind <> 'verify-email'`, user.email)).toBe(0);
  });

  test('to one email succeeds for one of 10 concurrent users', async () => {
    const users = await Promise.all(Array.from({ length: 10 }, (_, index) => signUp(`upd-race${index}`)));
    const answers = await Promise.all(users.map((user) => update(user, { email: 'race@up.x' })));
    expect(tally(answers)).toEqual({ 200: 1, 409: 9 });
  });

  test.each<[string, string, unknown]>([
    ['no body', 'name', undefined],
    ['no field', 'name', {}],
    ['unknown fields alone', 'name', { username: 'other', verified: true }],
    ['a name of null', 'name', { name: null }],
    ['an empty name', 'name', { name: '' }],
    ['a name that is too long', 'name', { name: 'n'.repeat(129) }],
    ['a name that is a number', 'name', { name: 5 }],
    ['a name with NUL', 'name', { name: 'a\0' }],
    ['an email of null', 'email', { email: null }],
    ['an email without @', 'email', { email: 'alex.example' }],
    ['an email with a line break', 'email', { email: 'al@e.x\r\nBcc: b@e.x' }],
    ['a password of null', 'password', { password: null }],
    ['a password in the clear', 'password', { password: 'secret' }],
    ['a good name and a bad email', 'email', { name: 'Good', email: 'bad' }],
    ['a good name and a password of null', 'password', { name: 'Good', password: null }],
  ])('%s is a bad request that names %s and changes nothing', async (_, field, body) => {
    const answer = await update(alex, body);
    expect(answer.status).toBe(400);
    expect(answer.body.reason).toContain(`'${field}'`);
    expect(await lookAt(alex)).toEqual({ ...alex.user, email: alex.email, verified: false });
  });

  test('does not change the username or the verification', async () => {
    const user = await signUp('upd-extra');
    const body = { name: 'Extra', username: 'upd-renamed', verified: true };
    expect(await update(user, body)).toMatchObject(SUCCESS);
    expect(await lookAt(user)).toMatchObject({ username: 'upd-extra', verified: false });
  });

  test('others is forbidden, whatever the body', async () => {
    const forbidden = failure(403, 'not allowed to modify other users');
    for (const body of [{ name: 'Mine' }, {}, { name: 5 }, undefined]) {
      expect(await sam.put('/api/users/upd-alex', body)).toMatchObject(forbidden);
      expect(await sam.put('/api/users/UPD-ALEX', body)).toMatchObject(forbidden);
    }
    const broken = { token: sam.token, raw: '{', headers: { 'content-type': 'text/plain' } };
    expect(await server.parley.put('/api/users/upd-alex', undefined, broken)).toMatchObject(forbidden);
    expect(await lookAt(alex)).toMatchObject(alex.user);
  });

  test('an unknown user is a bad request, whatever the body', async () => {
    for (const username of ['nobody', 'upd-sam ', 'upd-alex ', 'upd-sa_']) {
      const expected = failure(400, `user '${username}' does not exist`);
      expect(await sam.put(pathOf(username), { name: 'Mine' })).toMatchObject(expected);
      expect(await sam.put(pathOf(username), { name: 5 })).toMatchObject(expected);
    }
  });

  test('checks the token first', async () => {
    for (const username of ['upd-alex', 'nobody']) {
      expect((await server.parley.put(`/api/users/${username}`, { name: 5 })).status).toBe(401);
    }
  });
});

describe('deleting', () => {
  test('others is forbidden, and an unknown user is a bad request', async () => {
    const [alex, sam] = [await signUp('del-alex'), await signUp('del-sam')];
    expect(await sam.delete('/api/users/del-alex')).toMatchObject(
      failure(403, 'not allowed to modify other users'),
    );
    for (const username of ['nobody', 'del-sam ']) {
      expect(await sam.delete(pathOf(username))).toMatchObject(
        failure(400, `user '${username}' does not exist`),
      );
    }
    expect((await server.parley.delete('/api/users/del-alex')).status).toBe(401);
    expect(await lookAt(alex)).toMatchObject(alex.user);
    expect(await lookAt(sam)).toMatchObject(sam.user);
  });

  test('removes the user and revokes all tokens', async () => {
    const [user, sam] = [await signUp('del-user'), await signUp('del-witness')];
    const second = await server.parley.login(user.username, user.password);
    const verification = await server.mailbox.waitForToken(user.email, /^Welcome/);
    expect(await user.delete('/api/users/DEL-USER')).toMatchObject(SUCCESS);
    for (const token of [user.token, second]) {
      const answer = await server.parley.get('/api/chats', { token });
      expect(answer).toMatchObject(failure(401, 'invalid token: no longer valid'));
    }
    expect((await server.parley.get(`/api/auth/verify-email?token=${verification}`)).status).toBe(401);
    expect((await logIn(user.username, user.password)).status).toBe(401);
    expect((await sam.get('/api/users/del-user')).status).toBe(400);
    expect((await sam.get('/api/users?username=del-user')).body.data).not.toContainEqual(user.user);
  });

  test('accepts a body, and a Content-Type without a body', async () => {
    const headers = { 'content-type': 'application/json' };
    const [first, second] = [await signUp('del-body'), await signUp('del-type')];
    const withBody = await server.parley.delete('/api/users/del-body', { token: first.token, json: {} });
    expect(withBody).toMatchObject(SUCCESS);
    const withType = await server.parley.delete('/api/users/del-type', { token: second.token, headers });
    expect(withType).toMatchObject(SUCCESS);
  });

  test('removes the messages of the user and keeps those of others', async () => {
    const [user, sam, kim] = await Promise.all(
      ['del-author', 'del-reader', 'del-other'].map((u) => signUp(u)),
    );
    const chat = await user.createChat([sam, kim], { message: 'mine 0' });
    await sam.send(chat, 'theirs 1');
    await user.send(chat, 'mine 2');
    await kim.send(chat, 'theirs 3');
    await user.delete('/api/users/del-author');
    const { messages } = await sam.list(chat);
    expect(messages.map(({ index, message }: Json) => [index, message])).toEqual([
      [1, 'theirs 1'],
      [3, 'theirs 3'],
    ]);
    expect((await sam.describeChat(chat)).users).toEqual([sam.user, kim.user]);
    expect(await kim.send(chat, 'still open')).toBe(4);
  });

  test('removes messages in a long chat and in a chat that the user has left', async () => {
    const [user, sam] = [await signUp('del-prolific'), await signUp('del-survivor')];
    const [long, left] = [await user.createChat([sam]), await sam.createChat([user])];
    for (const index of [10, 1_022, 8_000]) {
      await skipTo(server, long, index);
      for (const author of [user, sam, user]) await author.send(long, author.username);
    }
    await user.send(left, user.username);
    await user.put(`/api/chats/${left}`, { mode: 'delete', user: user.username });
    await sam.send(left, sam.username);

    await user.delete('/api/users/del-prolific');
    expect(await sam.texts(long)).toEqual(Array(3).fill(sam.username));
    expect((await sam.list(long, '?page=1&per_page=2')).messages).toHaveLength(1);
    expect((await sam.texts(left)).slice(-1)).toEqual([sam.username]);
    expect((await sam.list(left)).messages.map(({ index }: Json) => index)).toEqual([0, 2]);
  });

  test('passes the ownership of chats to the longest-standing member', async () => {
    const [user, ann, ben, cat] = await Promise.all(
      ['del-owner', 'del-zoe', 'del-ben', 'del-amy'].map((u) => signUp(u)),
    );
    const chat = await user.createChat([ben], { name: 'Passed on' });
    for (const { username } of [ann, cat]) {
      expect(await ben.put(`/api/chats/${chat}`, { mode: 'add', user: username })).toMatchObject(SUCCESS);
    }
    expect(await ben.put(`/api/chats/${chat}`, { mode: 'delete', user: 'del-ben' })).toMatchObject(SUCCESS);
    expect(await ann.put(`/api/chats/${chat}`, { mode: 'add', user: 'del-ben' })).toMatchObject(SUCCESS);
    await user.delete('/api/users/del-owner');
    expect((await cat.delete(`/api/chats/${chat}`)).status).toBe(403);
    expect((await ben.delete(`/api/chats/${chat}`)).status).toBe(403);
    expect(await ann.delete(`/api/chats/${chat}`)).toMatchObject(SUCCESS);
  });

  test('keeps the owner of a chat that another user owns', async () => {
    const [user, owner] = [await signUp('del-guest'), await signUp('del-host')];
    const chat = await owner.createChat([user]);
    await user.delete('/api/users/del-guest');
    expect((await owner.describeChat(chat)).users).toEqual([owner.user]);
    expect(await owner.delete(`/api/chats/${chat}`)).toMatchObject(SUCCESS);
  });

  test('removes chats that have no other member', async () => {
    const [user, sam] = [await signUp('del-alone'), await signUp('del-outsider')];
    const alone = await user.createChat([]);
    expect((await sam.get(`/api/chats/${alone}`)).status).toBe(403);
    await user.delete('/api/users/del-alone');
    expect(await sam.get(`/api/chats/${alone}`)).toMatchObject(failure(400, 'specified chat does not exist'));
  });

  test('all members of a chat at once removes the chat', async () => {
    const [ann, ben] = [await signUp('del-both1'), await signUp('del-both2')];
    const chats = [await ann.createChat([ben]), await ben.createChat([ann])];
    const answers = await Promise.all([ann, ben].map((user) => user.delete(pathOf(user.username))));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    for (const chat of chats) expect(await count('chats', 'uuid = ?', chat)).toBe(0);
  });

  test('leaves no row that refers to the user', async () => {
    const [user, sam] = [await signUp('del-rows'), await signUp('del-rows-friend')];
    const chat = await user.createChat([sam]);
    await user.send(chat, 'gone');
    await server.parley.get('/api/auth/forgot-password?username=del-rows');
    const [{ id }] = await server.app
      .get(Reader)
      .query<{ id: number }>(`SELECT id FROM users WHERE username_key = 'del-rows'`);
    const left = async () => {
      const tables = ['tokens', 'mails', 'user_search_terms', 'members'];
      const counts = await Promise.all(tables.map((table) => count(table, 'user_id = ?', id)));
      for (const table of ['messages', 'sender_blocks']) counts.push(await count(table, 'sender_id = ?', id));
      return [...counts, await count('users', 'id = ?', id)];
    };
    expect((await left()).every((rows) => rows > 0)).toBe(true);
    await user.delete('/api/users/del-rows');
    await removalsDone(server);
    expect(await left()).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  test('frees the username and the email for a new user, who inherits nothing', async () => {
    const [user, sam] = [await signUp('del-again'), await signUp('del-again-friend')];
    const chat = await user.createChat([sam]);
    await user.delete('/api/users/del-again');
    const newcomer = await signUp('del-again');
    expect((await newcomer.get('/api/chats')).body.data).toEqual([]);
    expect((await newcomer.get(`/api/chats/${chat}`)).status).toBe(403);
    expect((await user.get('/api/chats')).status).toBe(401);
    expect((await user.delete('/api/users/del-again')).status).toBe(401);
    expect(await lookAt(newcomer)).toMatchObject({ verified: false });
  });
});
