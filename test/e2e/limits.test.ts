import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DatabaseUnavailable } from '#src/database/driver-errors.js';
import { UnitOfWork } from '#src/database/unit-of-work.js';
import { Origin } from '#src/http/origin.js';
import type { LocalLimit } from '#src/limits/limits.js';
import { Limits } from '#src/limits/limits.service.js';
import { PasswordHasher } from '#src/passwords/password-hasher.js';
import { TokensService } from '#src/tokens/tokens.service.js';
import { claimsOf } from '../support/jwt.js';
import { type Answer, digest, expectSuccess, type Json, type Member } from '../support/parley.js';
import { createTestDatabase, startServer, type TestServer } from '../support/server.js';
import { tally } from '../support/tally.js';

let server: TestServer;

beforeEach(async () => {
  server = await startServer({ rateLimits: true, trustedProxies: ['127.0.0.1'] });
});

afterEach(() => server.close());

/** The header of a proxy, by which a call comes from an address. */
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });

const logIn = (username: string, password: string, address = '192.0.2.1') =>
  server.parley.post('/api/auth/login', { username, password: digest(password) }, from(address));

const register = (username: string, address = '192.0.2.1', changes: object = {}) => {
  const email = `${username}@example.com`;
  const json = { username, password: digest(username), email, name: username, ...changes };
  return server.parley.post('/api/users', json, from(address));
};

const inParallel = (count: number, call: (index: number) => Promise<Answer>): Promise<Answer[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => call(index)));

const passTime = (seconds: number) =>
  server.app
    .get(UnitOfWork)
    .run((tx) => tx.execute('UPDATE limit_counters SET started_at = started_at - ?', [seconds * 1_000_000]));

const limitHeaders = ({ headers }: Answer) => ({
  policy: headers.get('ratelimit-policy'),
  left: headers.get('ratelimit'),
});

/** Takes all that is left of a limit, again and again, while `calls` are under way. */
async function exhausting<T>(limit: LocalLimit, subject: string, calls: () => Promise<T>): Promise<T> {
  const origin = new Origin('192.0.2.1', 'test');
  const exhaust = () => {
    try {
      for (;;) server.app.get(Limits).take(limit, subject, origin);
    } catch (error) {
      expect(error).toMatchObject({ code: 'rate_limited' });
    }
  };
  exhaust();
  const timer = setInterval(exhaust, 1);
  try {
    return await calls();
  } finally {
    clearInterval(timer);
  }
}

const idOf = ({ token }: Member): string => claimsOf(token).sub;

function expectRefused({ status, headers, body }: Answer, maxSeconds: number): void {
  expect({ status, code: body.code }).toEqual({ status: 429, code: 'rate_limited' });
  const seconds = Number(headers.get('retry-after'));
  expect(seconds).toBeGreaterThanOrEqual(1);
  expect(seconds).toBeLessThanOrEqual(maxSeconds);
}

describe('failed logins', () => {
  test('of one account and address: ten, then 429 for the right password too', async () => {
    await register('alex');
    const verify = vi.spyOn(server.app.get(PasswordHasher), 'verify');
    const wrong = inParallel(250, () => logIn('alex', 'wrong'));
    expect((await logIn('alex', 'alex', '192.0.2.2')).status).toBe(200);
    expect(tally(await wrong)).toEqual({ 401: 10, 429: 240 });
    expect(verify).toHaveBeenCalledTimes(11);
    expectRefused(await logIn('ALEX', 'alex'), 900);
    expect((await logIn('alex', 'alex', '192.0.2.2')).status).toBe(200);
    await passTime(900);
    expect((await logIn('alex', 'alex')).status).toBe(200);
  });

  test('are forgotten after a success', async () => {
    await register('alex');
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 9; n++) expect((await logIn('alex', 'wrong')).status).toBe(401);
      expect((await logIn('alex', 'alex')).status).toBe(200);
    }
  });

  test('of an unknown user count as well, and tell nothing', async () => {
    expect(tally(await inParallel(12, () => logIn('nobody', 'wrong')))).toEqual({ 401: 10, 429: 2 });
  });

  test('of one address: a hundred over all accounts', async () => {
    const answers = await inParallel(110, (n) => logIn(`nobody${n}`, 'wrong'));
    expect(tally(answers)).toEqual({ 401: 100, 429: 10 });
    expectRefused(await logIn('somebody', 'wrong'), 900);
    expect((await logIn('somebody', 'wrong', '192.0.2.2')).status).toBe(401);
  });

  test('right passwords at once all succeed', async () => {
    await register('alex');
    expect(tally(await inParallel(40, () => logIn('alex', 'alex')))).toEqual({ 200: 40 });
  });

  test('survive a restart', async () => {
    const database = await createTestDatabase();
    const json = { username: 'nobody', password: digest('wrong') };
    const before = await startServer({ rateLimits: true }, database);
    await inParallel(10, () => before.parley.post('/api/auth/login', json));
    await before.stop();
    const after = await startServer({ rateLimits: true }, database);
    const answer = await after.parley.post('/api/auth/login', json);
    await after.close();
    expectRefused(answer, 900);
  });
});

describe('registrations', () => {
  test('of one address: thirty an hour, with headers; malformed ones do not count', async () => {
    expect((await register('', '192.0.2.1')).status).toBe(400);
    const first = await register('user0');
    expect(limitHeaders(first)).toEqual({
      policy: '"registration";q=30;w=3600',
      left: expect.stringMatching(/^"registration";r=29;t=3(600|5\d\d)$/),
    });
    // A name that is taken is well-formed.
    for (let n = 1; n < 30; n++) expect((await register(`user${n % 5}`)).status).toBe(n < 5 ? 200 : 409);
    const refused = await register('late');
    expectRefused(refused, 3600);
    expect(limitHeaders(refused).left).toMatch(/^"registration";r=0;t=3\d{3}$/);
    expect((await register('elsewhere', '192.0.2.2')).status).toBe(200);
  });
});

describe('mails that anyone may request', () => {
  test('of one address: twenty an hour, for forgotten passwords and verifications together', async () => {
    const ask = (n: number) =>
      n % 2
        ? server.parley.get('/api/auth/forgot-password?username=nobody', from('192.0.2.1'))
        : server.parley.post('/api/auth/resend-verification', { username: 'nobody' }, from('192.0.2.1'));
    const answers = await inParallel(22, ask);
    expect(tally(answers)).toEqual({ 200: 20, 429: 2 });
    expect(limitHeaders(answers[0]).policy).toBe('"mail-request";q=20;w=3600');
  });
});

describe('calls', () => {
  test('sends: bursts of 200, with headers, over rooms too; other calls still work', async () => {
    const alex = await server.parley.signUp('alex');
    const chat = await alex.createChat([]);
    const { body } = await alex.post('/api/create_room', { room_name: 'General' });
    const send = (n: number) =>
      n % 2
        ? alex.post(`/api/chats/${chat}/messages`, { type: 'message', message: 'hello' })
        : alex.post('/api/send_room_message', { room_id: body.room_id, message: 'hello' });
    const answers = await inParallel(220, send);
    expect(tally(answers)[200]).toBeGreaterThanOrEqual(200);
    const more = await exhausting('send', idOf(alex), () => inParallel(30, send));
    const refused = more.filter(({ status }) => status === 429);
    expect(refused).not.toEqual([]);
    for (const answer of refused) expect(answer.headers.get('retry-after')).toBe('1');
    expect(refused.map(({ body: shown }) => 'error' in shown)).toContain(true);
    expect(limitHeaders(answers[0]).policy).toBe('"send";q=200;w=10');
    expect((await alex.get('/api/chats')).status).toBe(200);
  });

  test('with a good token: bursts of 400, without headers; other users still work', async () => {
    const alex = await server.parley.signUp('alex');
    const sam = await server.parley.signUp('sam');
    const counts = tally(await inParallel(450, () => alex.get('/api/rooms')));
    expect(counts[200]).toBeGreaterThanOrEqual(400);
    const answer = await exhausting('call', idOf(alex), async () => {
      expect(tally(await inParallel(50, () => alex.get('/api/rooms')))).toHaveProperty('429');
      return sam.get('/api/rooms');
    });
    expect([answer.status, limitHeaders(answer).policy]).toEqual([200, null]);
  });

  test('without a good token: 300 a minute of one address, which does not stop good tokens', async () => {
    const alex = await server.parley.signUp('alex');
    const bad = () => server.parley.get('/api/chats', { token: 'bad', ...from('192.0.2.9') });
    const counts = tally(await inParallel(400, bad));
    expect(counts[401]).toBeGreaterThanOrEqual(300);
    await exhausting('anonymous', '192.0.2.9', async () => {
      const logins = await inParallel(10, () => server.parley.post('/api/auth/login', {}, from('192.0.2.9')));
      const refused = logins.filter(({ status }) => status === 429);
      expect(refused).not.toEqual([]);
      for (const answer of refused) expectRefused(answer, 60);
      const good = await server.parley.get('/api/chats', { token: alex.token, ...from('192.0.2.9') });
      expect(good.status).toBe(200);
    });
  });

  test('without a good token: not if the database cannot say whether it is good', async () => {
    const alex = await server.parley.signUp('alex');
    const getCaller = vi.spyOn(server.app.get(TokensService), 'getCaller');
    getCaller.mockRejectedValue(new DatabaseUnavailable('away'));
    expect(tally(await inParallel(330, () => alex.get('/api/chats')))).toEqual({ 503: 330 });
  });

  test('without a good token: a browser gets a page at the link of a mail', async () => {
    const answers = await exhausting('anonymous', '127.0.0.1', () =>
      inParallel(10, () =>
        server.parley.get('/api/auth/verify-email?token=a', { headers: { accept: 'text/html' } }),
      ),
    );
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get('retry-after')).toBe('1');
    expect(refused?.body).toContain('Too many requests');
  });

  test('a limited call is 401 first, and 429 before every other check', async () => {
    const alex = await server.parley.signUp('alex');
    const answers = await exhausting('call', idOf(alex), () =>
      inParallel(30, () => alex.get('/api/chats/not-a-uuid')),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).not.toEqual([]);
    for (const answer of refused) expectRefused(answer, 1);
    expect((await server.parley.get('/api/chats/not-a-uuid')).status).toBe(401);
  });
});

describe('an address', () => {
  const failures = async (addresses: string[]) => {
    const answers = await inParallel(12, (n) => logIn('nobody', 'wrong', addresses[n % addresses.length]));
    return tally(answers);
  };

  test('is an IPv4 address', async () => {
    expect(await failures(['192.0.2.1', '192.0.2.2'])).toEqual({ 401: 12 });
    const spellings = ['198.51.100.1', '::ffff:198.51.100.1', '198.51.100.1:5123'];
    expect(await failures(spellings)).toEqual({ 401: 10, 429: 2 });
  });

  test('is the /64 of an IPv6 address', async () => {
    expect(await failures(['2001:db8::1', '2001:db8::ffff:0:0:2'])).toEqual({ 401: 10, 429: 2 });
    expect(await failures(['2001:db8:1::1', '2001:db8:1:1::1'])).toEqual({ 401: 12 });
  });

  test('is what the last proxy that is not trusted says', async () => {
    expect(await failures(['203.0.113.1, 192.0.2.77', '203.0.113.2, 192.0.2.77'])).toEqual({
      401: 10,
      429: 2,
    });
  });
});

test('without TRUSTED_PROXIES, X-Forwarded-For means nothing', async () => {
  const direct = await startServer({ rateLimits: true });
  const json = { username: 'nobody', password: digest('wrong') };
  const answers = await inParallel(12, (n) =>
    direct.parley.post('/api/auth/login', json, from(`192.0.2.${n}`)),
  );
  await direct.close();
  expect(tally(answers)).toEqual({ 401: 10, 429: 2 });
});

test('RATE_LIMITS=off lifts the limits', async () => {
  const unlimited = await startServer({ rateLimits: false });
  const json = { username: 'nobody', password: digest('wrong') };
  const answers = await inParallel(120, () => unlimited.parley.post('/api/auth/login', json));
  await unlimited.close();
  expect(tally(answers)).toEqual({ 401: 120 });
});

test('REGISTRATION=closed refuses new users, and lets the others log in', async () => {
  await register('alex');
  server.settings.isRegistrationOpen = false;
  const { status, body } = await register('sam');
  expect({ status, code: body.code }).toEqual({ status: 403, code: 'registration_closed' });
  expectSuccess(await logIn('alex', 'alex'));
});

test('a verification mail is sent again to whoever is not verified, and to nobody else', async () => {
  const alex = await server.parley.signUp('alex');
  const first = await server.mailbox.waitForToken(alex.email, /verif/i);
  const again = (json: Json) => server.parley.post('/api/auth/resend-verification', json);
  expectSuccess(await again({ username: 'nobody' }));
  for (let n = 0; n < 5; n += 1) expectSuccess(await again({ username: 'alex' }));
  expect((await again({})).body).toMatchObject({ code: 'invalid_field', field: 'username' });
  expectSuccess(await server.parley.get(`/api/auth/verify-email?token=${first}`));
  expectSuccess(await again({ username: 'alex' }));
  const rows = await server.app
    .get(UnitOfWork)
    .run((tx) => tx.query("SELECT kind FROM mails WHERE kind = 'verify-email'"));
  // One of the registration, and one more: two an hour.
  expect(rows).toHaveLength(2);
});
