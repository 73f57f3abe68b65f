import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Reader } from '#src/database/unit-of-work.js';
import { claimsOf, headerOf, signJwt, tamper, unsigned } from '../support/jwt.js';
import { digest, type Json, type Member } from '../support/parley.js';
import { createTestDatabase, startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';
import { tally } from '../support/tally.js';

const WELCOME = /^Welcome/;
const NEW_ADDRESS = /^Verify your new/;
const RESET = /^Reset/;
const CHANGED = /was changed$/;

const NO_LONGER_VALID = expect.objectContaining({
  status: 'error',
  reason: 'invalid token: no longer valid',
}) as unknown;
const WRONG_CREDENTIALS = expect.objectContaining({
  status: 'error',
  reason: 'invalid username or password',
}) as unknown;

let server: TestServer;
/** A second instance on the same database, with other settings. */
let strict: TestServer;

beforeAll(async () => {
  const database = await createTestDatabase();
  server = await startServer({}, database);
  strict = await startServer({ requireVerifiedEmail: true, tokenTtl: 60 }, database);
});

afterAll(async () => {
  await strict.stop();
  await server.close();
});

const signUp = (username: string) => server.parley.signUp(username);
const logIn = (username: string, password: string) =>
  server.parley.post('/api/auth/login', { username, password });
const reset = (token: string, json: unknown) =>
  server.parley.post('/api/auth/reset-password', json, { token });
const verify = (token: string) => server.parley.get(`/api/auth/verify-email?token=${token}`);

/** Requests the user's `count`-th reset mail and returns its token. */
async function resetToken({ username, email }: Member, count = 1): Promise<string> {
  const asked = await server.parley.get(`/api/auth/forgot-password?username=${username}`);
  expect(asked.body).toEqual({ status: 'success' });
  return server.mailbox.waitForToken(email, RESET, count);
}

const isVerified = async (user: Member) =>
  (await user.get(`/api/users/${user.username}`)).body.data.verified as boolean;

const rows = (sql: string, ...parameters: string[]) => server.app.get(Reader).query<Json>(sql, parameters);

describe('login', () => {
  let elodie: Member;

  beforeAll(async () => {
    elodie = await server.parley.signUp('Élodie.x', { email: 'elodie@example.com' });
  });

  test('returns a signed token with the claims sub, jti, iat and exp', async () => {
    const user = await signUp('login-claims');
    const before = Math.floor(Date.now() / 1000);
    const { status, body } = await logIn(user.username, user.password);
    expect(status).toBe(200);
    expect(body).toEqual({ status: 'success', data: { token: expect.any(String) } });
    expect(headerOf(body.data.token).alg).toBe('HS256');
    const claims = claimsOf(body.data.token);
    expect(claims).toMatchObject({ sub: expect.any(String), jti: expect.any(String) });
    expect(claims.iat).toBeGreaterThanOrEqual(before);
    expect(claims.exp - claims.iat).toBe(259_200);
  });

  test('returns a new token each time, and all of them are valid', async () => {
    const user = await signUp('login-again');
    const second = await server.parley.login(user.username, user.password);
    expect(second).not.toBe(user.token);
    for (const token of [user.token, second]) {
      expect((await server.parley.get('/api/chats', { token })).status).toBe(200);
    }
  });

  test('TOKEN_TTL sets the lifetime of the token', async () => {
    const user = await signUp('login-ttl');
    const token = await server.mailbox.waitForToken(user.email, WELCOME);
    await verify(token);
    const { exp, iat } = claimsOf(await strict.parley.login(user.username, user.password));
    expect(exp - iat).toBe(60);
  });

  test.each([
    ['in upper case', 'ÉLODIE.X'],
    ['in lower case', 'élodie.x'],
    ['with decomposed letters', 'E\u0301lodie.x'],
    ['in full-width letters', 'Éｌｏｄｉｅ.x'],
  ])('finds a username that is written %s', async (_, spelling) => {
    expect((await logIn(spelling, elodie.password)).status).toBe(200);
  });

  test('accepts the digest in upper and in lower case', async () => {
    const user = await signUp('login-hex');
    expect((await logIn(user.username, user.password.toUpperCase())).status).toBe(200);
    expect((await logIn(user.username, user.password.toLowerCase())).status).toBe(200);
  });

  test('accepts the lower-case digest of a user who registered with the upper-case digest', async () => {
    const password = digest('upper');
    const user = { username: 'login-upper', email: 'login-upper@example.com', name: 'Upper' };
    await server.parley.post('/api/users', { ...user, password: password.toUpperCase() });
    expect((await logIn('login-upper', password)).status).toBe(200);
  });

  test('rejects a wrong password and an unknown user with the same message', async () => {
    const user = await signUp('login-wrong');
    const wrongPassword = await logIn(user.username, digest('wrong'));
    const unknownUser = await logIn('login-nobody', user.password);
    expect(wrongPassword).toMatchObject({ status: 401, body: WRONG_CREDENTIALS });
    expect(unknownUser).toMatchObject({ status: 401, body: WRONG_CREDENTIALS });
  });

  test.each(['élodie.x ', ' élodie.x', 'élodie.x\u3000', 'elodie.x', 'élodie_x', '%'])(
    'the username %j belongs to no user',
    async (username) => {
      expect(await logIn(username, elodie.password)).toMatchObject({ status: 401, body: WRONG_CREDENTIALS });
    },
  );

  test.each([
    ['username', undefined],
    ['username', null],
    ['username', ''],
    ['username', 5],
    ['username', ['alex']],
    ['username', 'a\0'],
    ['username', '\ud800'],
    ['password', undefined],
    ['password', null],
    ['password', 5],
    ['password', ''],
    ['password', 'a'.repeat(63)],
    ['password', 'a'.repeat(65)],
    ['password', `${'a'.repeat(63)}g`],
    ['password', `${'a'.repeat(64)}\n`],
  ])('a %s of %j is a bad request that names the field', async (field, value) => {
    const answer = await server.parley.post('/api/auth/login', {
      username: 'alex',
      password: digest('alex'),
      [field]: value,
    });
    expect(answer.status).toBe(400);
    expect(answer.body.reason).toContain(`field '${field}'`);
  });

  test('an unverified user may log in', async () => {
    const user = await signUp('login-unverified');
    expect((await logIn(user.username, user.password)).status).toBe(200);
  });

  test('with REQUIRE_VERIFIED_EMAIL only verified users may log in', async () => {
    const user = await signUp('login-strict');
    const attempt = (password: string) =>
      strict.parley.post('/api/auth/login', { username: user.username, password });
    expect(await attempt(user.password)).toMatchObject({
      status: 403,
      body: expect.objectContaining({ status: 'error', reason: 'user email not verified' }) as unknown,
    });
    expect((await attempt(digest('wrong'))).status).toBe(401);
    await verify(await server.mailbox.waitForToken(user.email, WELCOME));
    expect((await attempt(user.password)).status).toBe(200);
  });

  test('the digest is stored only as an argon2id hash', async () => {
    const user = await signUp('login-stored');
    const [row] = await rows('SELECT * FROM users WHERE username_key = ?', user.username);
    expect(row.password_hash).toMatch(/^\$argon2id\$/);
    expect(JSON.stringify(row)).not.toContain(user.password);
  });
});

describe('the Authorization header', () => {
  let user: Member;

  beforeAll(async () => {
    user = await signUp('header');
  });

  test.each(['', 'Bearer ', 'bearer ', 'BEARER ', 'bEaReR  '])(
    'accepts the token after the prefix %j',
    async (prefix) => {
      expect((await server.parley.get('/api/chats', { token: prefix + user.token })).status).toBe(200);
    },
  );

  test.each([
    ['GET', '/api/auth/logout'],
    ['POST', '/api/auth/reset-password'],
    ['GET', '/api/users?username=al'],
    ['GET', '/api/users/header'],
    ['PUT', '/api/users/header'],
    ['DELETE', '/api/users/header'],
    ['DELETE', '/api/users/no-such-user'],
    ['GET', '/api/chats'],
  ])('is required by %s %s', async (method, path) => {
    const expected = {
      status: 401,
      body: expect.objectContaining({
        status: 'error',
        reason: "header 'Authorization' must be present",
      }) as unknown,
    };
    expect(await server.parley.request(method, path)).toMatchObject(expected);
    expect(await server.parley.request(method, path, { token: '' })).toMatchObject(expected);
  });

  test.each(['Bearer', 'Bearer Bearer x', 'Basic YTpi', 'x', 'a.b.c', '..', 'null'])(
    'with the value %j is an invalid token',
    async (token) => {
      const answer = await server.parley.get('/api/chats', { token });
      expect(answer.status).toBe(401);
      expect(answer.body.reason).toMatch(/^invalid token: ./);
    },
  );
});

describe('a forged token', () => {
  let user: Member;
  let other: Member;

  beforeAll(async () => {
    user = await signUp('forger');
    other = await signUp('forged');
  });

  const secret = () => server.settings.jwtSecret;
  const changed = (changes: Record<string, unknown>) =>
    signJwt({ ...claimsOf(user.token), ...changes }, secret());

  test('is accepted when its claims and its signature are those of a valid token', async () => {
    const token = signJwt(claimsOf(user.token), secret());
    expect((await server.parley.get('/api/chats', { token })).status).toBe(200);
  });

  test.each<[string, () => string]>([
    ['without a signature, alg none', () => unsigned(user.token, 'none')],
    ['without a signature, alg None', () => unsigned(user.token, 'None')],
    ['without a signature, alg HS256', () => unsigned(user.token, 'HS256')],
    ['signed with HS512', () => signJwt(claimsOf(user.token), secret(), { alg: 'HS512', hash: 'sha512' })],
    ['signed with HS384', () => signJwt(claimsOf(user.token), secret(), { alg: 'HS384', hash: 'sha384' })],
    ['signed with an unknown algorithm', () => signJwt(claimsOf(user.token), secret(), { alg: 'XX256' })],
    ['signed with another secret', () => signJwt(claimsOf(user.token), 'x'.repeat(64))],
    ['signed with an empty secret', () => signJwt(claimsOf(user.token), '')],
    ['with tampered claims', () => tamper(user.token, { sub: claimsOf(other.token).sub })],
    ['with a later expiry under the old signature', () => tamper(user.token, { exp: 9_999_999_999 })],
    ['with a truncated signature', () => user.token.slice(0, -2)],
    ['that has expired', () => changed({ exp: Math.floor(Date.now() / 1000) - 1 })],
    ['without an expiry', () => changed({ exp: undefined })],
    ['with an expiry that is not a number', () => changed({ exp: 'never' })],
    ['without an id', () => changed({ jti: undefined })],
    ['with an unknown id', () => changed({ jti: '00000000-0000-4000-8000-000000000000' })],
    ['with the id of another user’s token', () => changed({ jti: claimsOf(other.token).jti })],
    ['for another user', () => changed({ sub: claimsOf(other.token).sub })],
    ['without a user', () => changed({ sub: undefined })],
    ['without a kind', () => changed({ aud: undefined })],
    ['of two kinds', () => changed({ aud: ['authentication', 'reset-password'] })],
  ])('%s is rejected', async (_, forge) => {
    const { status, body } = await server.parley.get('/api/chats', { token: forge() });
    expect(status).toBe(401);
    expect(body.reason).toMatch(/^invalid token: ./);
    expect((await user.get('/api/chats')).status).toBe(200);
  });

  test('that was accepted before is rejected once it has expired', async () => {
    const token = changed({ exp: Math.floor(Date.now() / 1000) + 4 });
    expect((await server.parley.get('/api/chats', { token })).status).toBe(200);
    const rejected = await until('the token to expire', async () => {
      const answer = await server.parley.get('/api/chats', { token });
      return answer.status === 200 ? undefined : answer;
    });
    expect(rejected).toMatchObject({ status: 401, body: { reason: 'invalid token: jwt expired' } });
  });

  test('of a deleted user is rejected', async () => {
    const gone = await signUp('gone');
    await gone.delete('/api/users/gone');
    expect(await gone.get('/api/chats')).toMatchObject({ status: 401, body: NO_LONGER_VALID });
  });
});

describe('logout', () => {
  test('revokes the token at once on every instance, and no other token', async () => {
    const user = await signUp('logout');
    const second = await server.parley.login(user.username, user.password);
    expect(await user.get('/api/auth/logout')).toMatchObject({ status: 200, body: { status: 'success' } });
    for (const { parley } of [server, strict]) {
      expect(await parley.get('/api/chats', { token: user.token })).toMatchObject({
        status: 401,
        body: NO_LONGER_VALID,
      });
      expect((await parley.get('/api/chats', { token: second })).status).toBe(200);
    }
  });

  test('works once', async () => {
    const user = await signUp('logout-twice');
    const answers = await Promise.all(Array.from({ length: 8 }, () => user.get('/api/auth/logout')));
    expect(tally(answers)).toEqual({ 200: 1, 401: 7 });
  });
});

test('the three kinds of token are not interchangeable', async () => {
  const user = await signUp('kinds');
  const tokens = {
    authentication: user.token,
    reset: await resetToken(user),
    verification: await server.mailbox.waitForToken(user.email, WELCOME),
  };
  const password = digest('kinds, new');
  const uses = {
    authentication: (token: string) => server.parley.get('/api/auth/logout', { token }),
    reset: (token: string) => reset(token, { password }),
    verification: verify,
  };
  for (const [due, use] of Object.entries(uses)) {
    for (const [kind, token] of Object.entries(tokens)) {
      if (kind === due) continue;
      const { status, body } = await use(token);
      expect([status, body.status, kind, due]).toEqual([401, 'error', kind, due]);
      expect(body.reason).toMatch(/^invalid token: ./);
    }
  }
  for (const kind of ['reset', 'verification', 'authentication'] as const) {
    expect((await uses[kind](tokens[kind])).status).toBe(200);
  }
});

describe('forgot-password', () => {
  test('answers for an unknown user as for a known one', async () => {
    const user = await signUp('forgetful');
    const known = await server.parley.get(`/api/auth/forgot-password?username=${user.username}`);
    const unknown = await server.parley.get('/api/auth/forgot-password?username=nobody-at-all');
    expect(known).toMatchObject({ status: 200, body: { status: 'success' } });
    expect(unknown).toMatchObject({ status: 200, body: { status: 'success' } });
    expect(unknown.body).toEqual(known.body);
  });

  test('ignores the case of the username, and mails a token that is valid for one hour', async () => {
    const user = await signUp('Forgetful-Two');
    await server.parley.get('/api/auth/forgot-password?username=FORGETFUL-TWO');
    const { exp, iat } = claimsOf(await server.mailbox.waitForToken(user.email, RESET));
    expect(exp - iat).toBe(3_600);
  });

  test.each([
    ['missing', ''],
    ['empty', '?username='],
    ['NUL', '?username=%00'],
    ['given twice', '?username=alex&username=sam'],
  ])('a username that is %s is a bad request', async (_, query) => {
    const { status, body } = await server.parley.get(`/api/auth/forgot-password${query}`);
    expect(status).toBe(400);
    expect(body.reason).toContain("query parameter 'username'");
  });

  test('leaves the password and the authentication tokens valid', async () => {
    const user = await signUp('forgetful-three');
    await resetToken(user);
    expect((await logIn(user.username, user.password)).status).toBe(200);
    expect((await user.get('/api/chats')).status).toBe(200);
  });
});

describe('reset-password', () => {
  test('sets the password, mails the user, and leaves authentication tokens valid', async () => {
    const user = await signUp('reset');
    const password = digest('reset, new');
    const answer = await reset(await resetToken(user), { password });
    expect(answer).toMatchObject({ status: 200, body: { status: 'success' } });
    expect((await logIn(user.username, user.password)).status).toBe(401);
    expect((await logIn(user.username, password)).status).toBe(200);
    expect((await user.get('/api/chats')).status).toBe(200);
    await server.mailbox.waitFor(user.email, CHANGED);
  });

  test('works once', async () => {
    const user = await signUp('reset-once');
    const token = await resetToken(user);
    expect((await reset(token, { password: digest('first') })).status).toBe(200);
    expect(await reset(token, { password: digest('second') })).toMatchObject({
      status: 401,
      body: NO_LONGER_VALID,
    });
    expect((await logIn(user.username, digest('first'))).status).toBe(200);
  });

  test('accepts the token after Bearer', async () => {
    const user = await signUp('reset-bearer');
    const token = `Bearer ${await resetToken(user)}`;
    expect((await reset(token, { password: digest('new') })).status).toBe(200);
  });

  test('revokes the other reset tokens of the user, and of no other user', async () => {
    const user = await signUp('reset-others');
    const stranger = await signUp('reset-stranger');
    const [first, second] = [await resetToken(user), await resetToken(user, 2)];
    const strangers = await resetToken(stranger);
    expect((await reset(second, { password: digest('new') })).status).toBe(200);
    expect((await reset(first, { password: digest('newer') })).status).toBe(401);
    expect((await reset(strangers, { password: digest('new') })).status).toBe(200);
  });

  test('leaves verification tokens valid', async () => {
    const user = await signUp('reset-unverified');
    const verification = await server.mailbox.waitForToken(user.email, WELCOME);
    await reset(await resetToken(user), { password: digest('new') });
    expect((await verify(verification)).status).toBe(200);
  });

  test('50 simultaneous uses of one token change the password once', async () => {
    const user = await signUp('reset-race');
    const token = await resetToken(user);
    const passwords = Array.from({ length: 50 }, (_, index) => digest(`race ${index}`));
    const answers = await Promise.all(passwords.map((password) => reset(token, { password })));
    expect(tally(answers)).toEqual({ 200: 1, 401: 49 });
    const winner = answers.findIndex(({ status }) => status === 200);
    for (const [index, password] of passwords.entries()) {
      expect((await logIn(user.username, password)).status).toBe(index === winner ? 200 : 401);
    }
    await server.mailbox.waitFor(user.email, CHANGED);
    const told = await rows(
      `SELECT id FROM mails WHERE kind = 'password-changed' AND address = ?`,
      user.email,
    );
    expect(told).toHaveLength(1);
  });

  test.each([
    ['no body', undefined],
    ['no password', {}],
    ['null', { password: null }],
    ['a number', { password: 5 }],
    ['a password in the clear', { password: 'secret' }],
    ['a digest that is too long', { password: `${digest('new')}0` }],
  ])('%s is a bad request that does not consume the token', async (what, body) => {
    const user = await signUp(`reset-bad-${what.replaceAll(' ', '-')}`);
    const token = await resetToken(user);
    const answer = await reset(token, body);
    expect(answer.status).toBe(400);
    expect(answer.body.reason).toContain("field 'password'");
    expect((await logIn(user.username, user.password)).status).toBe(200);
    expect((await reset(token, { password: digest('new') })).status).toBe(200);
  });

  test.each([
    ['a JSON array', '[]', 'application/json'],
    ['broken JSON', '{"password":', 'application/json'],
    ['a form', 'password=x', 'application/x-www-form-urlencoded'],
  ])('%s is a bad request that does not consume the token', async (what, raw, type) => {
    const user = await signUp(`reset-raw-${what.replaceAll(' ', '-')}`);
    const token = await resetToken(user);
    const answer = await server.parley.post('/api/auth/reset-password', undefined, {
      token,
      raw,
      headers: { 'content-type': type },
    });
    expect(answer.status).toBe(400);
    expect((await reset(token, { password: digest('new') })).status).toBe(200);
  });

  test('the token is checked before the body', async () => {
    const { status, body } = await server.parley.post('/api/auth/reset-password', undefined, {
      token: 'x',
      raw: '{',
      headers: { 'content-type': 'text/plain' },
    });
    expect(status).toBe(401);
    expect(body.reason).toMatch(/^invalid token: /);
  });

  test('the token of a deleted user is rejected', async () => {
    const user = await signUp('reset-gone');
    const token = await resetToken(user);
    await user.delete(`/api/users/${user.username}`);
    expect(await reset(token, { password: digest('new') })).toMatchObject({
      status: 401,
      body: NO_LONGER_VALID,
    });
  });
});

describe('verify-email', () => {
  const page = (query: string) =>
    server.parley.get(`/api/auth/verify-email${query}`, { headers: { accept: 'text/html,*/*;q=0.8' } });

  test('verifies the email once, with a token that is valid for three days', async () => {
    const user = await signUp('verify');
    expect(await isVerified(user)).toBe(false);
    const token = await server.mailbox.waitForToken(user.email, WELCOME);
    const { exp, iat } = claimsOf(token);
    expect(exp - iat).toBe(259_200);
    expect(await verify(token)).toMatchObject({ status: 200, body: { status: 'success' } });
    expect(await isVerified(user)).toBe(true);
    expect(await verify(token)).toMatchObject({ status: 401, body: NO_LONGER_VALID });
    expect(await isVerified(user)).toBe(true);
  });

  test('50 simultaneous uses of one token verify once', async () => {
    const user = await signUp('verify-race');
    const token = await server.mailbox.waitForToken(user.email, WELCOME);
    const answers = await Promise.all(Array.from({ length: 50 }, () => verify(token)));
    expect(tally(answers)).toEqual({ 200: 1, 401: 49 });
  });

  test('the parameter must be present', async () => {
    for (const query of ['', '?token=']) {
      expect(await server.parley.get(`/api/auth/verify-email${query}`)).toMatchObject({
        status: 400,
        body: expect.objectContaining({
          status: 'error',
          reason: "query parameter 'token' must be present",
        }) as unknown,
      });
    }
    expect((await server.parley.get('/api/auth/verify-email?token=a&token=b')).status).toBe(400);
  });

  test('a forged token is rejected', async () => {
    const user = await signUp('verify-forged');
    const token = await server.mailbox.waitForToken(user.email, WELCOME);
    const expired = signJwt({ ...claimsOf(token), exp: 1_000 }, server.settings.jwtSecret);
    for (const forged of ['x', unsigned(token, 'none'), tamper(token, { exp: 9_999_999_999 }), expired]) {
      const { status, body } = await verify(forged);
      expect(status).toBe(401);
      expect(body.reason).toMatch(/^invalid token: ./);
    }
    expect(await isVerified(user)).toBe(false);
  });

  test('ignores a token in the header', async () => {
    const user = await signUp('verify-header');
    const token = await server.mailbox.waitForToken(user.email, WELCOME);
    expect((await server.parley.get('/api/auth/verify-email', { token })).status).toBe(400);
  });

  test('a browser gets pages, for success and for each error', async () => {
    const user = await signUp('verify-page');
    const token = await server.mailbox.waitForToken(user.email, WELCOME);
    const pages = [
      { ...(await page(`?token=${token}`)), text: 'address is verified' },
      { ...(await page(`?token=${token}`)), text: 'link has been used already' },
      { ...(await page('?token=<script>alert(1)</script>')), text: 'link is not complete' },
      { ...(await page('')), text: 'link is not complete' },
    ];
    expect(pages.map(({ status }) => status)).toEqual([200, 401, 401, 400]);
    for (const { headers, body, text } of pages) {
      expect(headers.get('content-type')).toMatch(/^text\/html; ?charset=utf-8$/i);
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(body).toMatch(/^<!doctype html>/);
      expect(body).toContain(text);
      expect(body).not.toContain('<script');
      expect(body).not.toContain(token);
    }
    expect(await isVerified(user)).toBe(true);
  });

  test.each(['application/json', '*/*', ''])('a client that accepts %j gets JSON', async (accept) => {
    const answer = await server.parley.get('/api/auth/verify-email?token=x', { headers: { accept } });
    expect(answer.status).toBe(401);
    expect(answer.body.status).toBe('error');
  });

  test('a new email revokes the older tokens', async () => {
    const user = await signUp('verify-moved');
    const old = await server.mailbox.waitForToken(user.email, WELCOME);
    await user.put(`/api/users/${user.username}`, { email: 'moved@example.com' });
    expect(await verify(old)).toMatchObject({ status: 401, body: NO_LONGER_VALID });
    expect(await isVerified(user)).toBe(false);
    const fresh = await server.mailbox.waitForToken('moved@example.com', NEW_ADDRESS);
    expect((await verify(fresh)).status).toBe(200);
    expect(await isVerified(user)).toBe(true);
  });
});

test.each(['verify-email', 'logout'])('HEAD does not consume the token of %s', async (route) => {
  const user = await signUp(`head-${route}`);
  const verification = await server.mailbox.waitForToken(user.email, WELCOME);
  const address = `${server.url}/api/auth/${route}?token=${verification}`;
  const { status } = await fetch(address, { method: 'HEAD', headers: { authorization: user.token } });
  expect([404, 405]).toContain(status);
  expect((await user.get('/api/chats')).status).toBe(200);
  expect((await verify(verification)).status).toBe(200);
});
