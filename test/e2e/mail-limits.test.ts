import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Reader, UnitOfWork } from '#src/database/unit-of-work.js';
import { freePort } from '../support/free-port.js';
import { digest, expectSuccess, type Json, type Member } from '../support/parley.js';
import {
  createTestDatabase,
  onMysql,
  QUICK,
  startServer,
  type TestDatabase,
  type TestServer,
} from '../support/server.js';
import { SmtpSink } from '../support/smtp-sink.js';
import { tally } from '../support/tally.js';
import { until } from '../support/until.js';

const WELCOME = /^Welcome to Parley/;
const NEW_ADDRESS = /^Verify your new email address$/;
const RESET = /^Reset your password$/;

const MINUTE = 60 * 1_000_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let database: TestDatabase;
let sink: SmtpSink;
let server: TestServer;

/** The limits of mails for each user; requests come from many addresses, which have limits of their own. */
const LIMITED = { rateLimits: true, trustedProxies: ['127.0.0.1'] };

const start = () => startServer({ smtpUrl: sink.url, mailTiming: QUICK, ...LIMITED }, database);

beforeAll(async () => {
  sink = await SmtpSink.listen();
  database = await createTestDatabase();
  server = await start();
});

afterEach(() => sink.release());

afterAll(async () => {
  await server.stop();
  await sink.close();
  await database.drop();
});

let lastAddress = 0;

const forget = (username: string, on = server) =>
  on.parley.get(`/api/auth/forgot-password?username=${username}`, {
    headers: { 'x-forwarded-for': `192.0.2.${lastAddress++ % 256}` },
  });
const times = <T>(count: number, task: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => task(n)));

/** Returns the user's mails in any state, oldest first. `kind` is a LIKE pattern. */
const mailsOf = ({ username }: Member, kind: string, on = server) =>
  on.app
    .get(Reader)
    .query<Json>(
      `SELECT m.* FROM mails m JOIN users u ON u.id = m.user_id WHERE u.username = ? AND m.kind LIKE ? ORDER BY m.id`,
      [username, kind],
    );

const allSent = (user: Member) =>
  until(`all mails to ${user.username} to be sent`, async () => {
    const mails = await mailsOf(user, '%');
    return mails.every(({ state }) => state === 'sent') ? mails : undefined;
  });

/** Makes all mails of the user older. */
async function age({ username }: Member, microseconds: number): Promise<void> {
  await server.app.get(UnitOfWork).run((tx) =>
    tx.execute(
      `UPDATE mails SET due_at = due_at - ?, created_at = created_at - ?
         WHERE user_id = (SELECT id FROM users WHERE username = ?)`,
      [microseconds, microseconds, username],
    ),
  );
}

describe('reset mails', () => {
  /** Requests three resets, and returns the number of the user's reset mails. */
  async function requestThree(user: Member): Promise<number> {
    for (let n = 0; n < 3; n += 1) expectSuccess(await forget(user.username));
    return (await mailsOf(user, 'reset-password')).length;
  }

  test('are limited to two an hour and five a day, and the answer stays the same', async () => {
    const user = await server.parley.signUp('forgetful');
    const unknown = await forget('nobody-of-that-name');
    expect(await requestThree(user)).toBe(2);
    const refused = await forget('forgetful');
    expect([refused.status, refused.body]).toEqual([unknown.status, unknown.body]);

    await allSent(user);
    await age(user, HOUR - MINUTE);
    expect(await requestThree(user)).toBe(2);
    await age(user, 2 * MINUTE);
    expect(await requestThree(user)).toBe(4);
    await allSent(user);
    await age(user, HOUR + MINUTE);
    expect(await requestThree(user)).toBe(5);
    await allSent(user);
    await age(user, HOUR + MINUTE);
    expect(await requestThree(user)).toBe(5);
    // Two of the five mails are older than a day.
    await age(user, DAY - 3 * HOUR);
    expect(await requestThree(user)).toBe(7);
    await allSent(user);
    expect(sink.accepted.filter(({ recipients }) => recipients.includes(user.email))).toHaveLength(8);
  });

  test('are limited to two for 50 concurrent requests', async () => {
    const user = await server.parley.signUp('stormy');
    const answers = await times(50, () => forget('stormy'));
    expect(tally(answers)).toEqual({ 200: 50 });
    expect(await mailsOf(user, 'reset-password')).toHaveLength(2);
  });

  test('are limited across two instances and a restart', async () => {
    const user = await server.parley.signUp('everywhere');
    let second = await start();
    await times(20, (n) => forget('everywhere', n % 2 ? server : second));
    expect(await mailsOf(user, 'reset-password')).toHaveLength(2);
    await second.stop();
    second = await start();
    await forget('everywhere', second);
    expect(await mailsOf(user, 'reset-password')).toHaveLength(2);
    await second.stop();
  });

  test('that wait for the mail server count as sent now', async () => {
    const cutOff = await startServer(
      { smtpUrl: `smtp://127.0.0.1:${await freePort()}`, ...LIMITED },
      database,
    );
    await server.stop();
    const user = await cutOff.parley.signUp('waiting');
    await times(2, () => forget('waiting', cutOff));
    server = await start();
    sink.hold();
    await age(user, 2 * HOUR);
    await forget('waiting');
    expect(await mailsOf(user, 'reset-password')).toHaveLength(2);
    sink.release();
    await cutOff.stop();
  });

  test('are limited for each account separately', async () => {
    await server.parley.signUp('greedy');
    const other = await server.parley.signUp('modest');
    await times(5, () => forget('greedy'));
    await forget('modest');
    await sink.waitFor(other.email, RESET);
  });

  test('count even if their links are used', async () => {
    const user = await server.parley.signUp('resetting');
    for (let n = 1; n <= 2; n += 1) {
      await forget('resetting');
      const { text = '' } = await sink.waitFor(user.email, RESET, n);
      const token = /eyJ[\w.-]+/.exec(text)?.[0];
      expectSuccess(
        await server.parley.post('/api/auth/reset-password', { password: digest(`${n}`) }, { token }),
      );
    }
    await forget('resetting');
    expect(await mailsOf(user, 'reset-password')).toHaveLength(2);
    expect(await mailsOf(user, 'password-changed')).toHaveLength(2);
  });
});

test('a reset request takes as long for an unknown user as for a known one', async () => {
  await server.parley.signUp('timed');
  for (const username of ['timed', 'timed', 'timed', 'nobody-to-time']) {
    const begun = performance.now();
    await forget(username);
    expect(performance.now() - begun).toBeGreaterThan(95);
  }
});

describe('verification mails', () => {
  const move = (user: Member, n: number) =>
    user.put(`/api/users/${user.username}`, { email: `${user.username}${n}@example.com` });

  /** Signs a user up and causes the five verification mails of a day. */
  async function reachLimit(name: string): Promise<Member> {
    const user = await server.parley.signUp(name);
    await sink.waitFor(user.email, WELCOME);
    for (let n = 1; n <= 4; n += 1) {
      expectSuccess(await move(user, n));
      await sink.waitFor(`${name}${n}@example.com`, NEW_ADDRESS);
    }
    await allSent(user);
    return user;
  }

  test('are limited to five a day, and the newest further one is sent a day later', async () => {
    const user = await reachLimit('restless');
    expectSuccess(await move(user, 5));
    expectSuccess(await move(user, 6));
    expect((await user.get('/api/users/restless')).body.data).toMatchObject({
      email: 'restless6@example.com',
      verified: false,
    });
    const mails = await mailsOf(user, 'verify-%');
    expect(mails.map(({ address, state }) => [address, state]).slice(5)).toEqual([
      ['restless6@example.com', 'waiting'],
    ]);
    const [first] = mails;
    expect(mails[5].due_at).toBe(first.due_at + DAY);

    await age(user, DAY);
    await sink.waitFor('restless6@example.com', NEW_ADDRESS);
    expect(sink.offered.flatMap(({ recipients }) => recipients)).not.toContain('restless5@example.com');
  });

  test('that the limit postpones delay no other mail', async () => {
    const user = await reachLimit('delayed');
    await move(user, 5);
    await forget('delayed');
    await sink.waitFor('delayed5@example.com', RESET);
    expect((await mailsOf(user, 'verify-%'))[5]).toMatchObject({ state: 'waiting', attempts: 0 });
  });

  test('count if they are cancelled during an attempt', async () => {
    sink.hold();
    const user = await server.parley.signUp('sly');
    await sink.waitForOffer(user.email, WELCOME);
    for (let n = 1; n <= 4; n += 1) {
      await move(user, n);
      await sink.waitForOffer(`sly${n}@example.com`, NEW_ADDRESS);
    }
    await move(user, 5);
    const mails = await mailsOf(user, 'verify-%');
    expect(mails.map(({ state }) => state)).toEqual([...Array(5).fill('cancelled'), 'waiting']);
    expect(mails[5].due_at).toBeGreaterThan((Date.now() + 23 * 3_600_000) * 1_000);
  });

  test('do not count if they are cancelled before the first attempt', async () => {
    const cutOff = await startServer({ smtpUrl: `smtp://127.0.0.1:${await freePort()}`, ...LIMITED });
    const other = await cutOff.parley.signUp('in-front');
    await until('the outage to be noticed', async () => {
      const [mail] = await mailsOf(other, '%', cutOff);
      return mail.error ?? undefined;
    });
    const user = await cutOff.parley.signUp('undecided');
    for (let n = 1; n <= 9; n += 1) expectSuccess(await move(user, n));
    const mails = (await mailsOf(user, 'verify-%', cutOff)).filter(({ attempts }) => attempts === 0);
    for (const mail of mails) expect(mail.due_at).toBeLessThanOrEqual(Date.now() * 1_000);
    await cutOff.close();
  });

  test.runIf(onMysql)('are limited across two instances that change the address concurrently', async () => {
    const user = await server.parley.signUp('hasty');
    const second = await start();
    await times(20, (n) =>
      (n % 2 ? server : second).parley.put(
        '/api/users/hasty',
        { email: `hasty${n}@example.com` },
        { token: user.token },
      ),
    );
    const now = Date.now() * 1_000;
    const mails = await mailsOf(user, 'verify-%');
    expect(mails.filter(({ due_at: dueAt }) => dueAt < now + 2 * HOUR).length).toBeLessThanOrEqual(5);
    expect(mails.at(-1).state).not.toBe('cancelled');
    await second.stop();
  });
});

test('RATE_LIMITS=off lifts the limits of mails', async () => {
  const unlimited = await startServer({ smtpUrl: sink.url, mailTiming: QUICK, rateLimits: false });
  const user = await unlimited.parley.signUp('unlimited');
  await times(10, () => forget('unlimited', unlimited));
  expect(await mailsOf(user, 'reset-password', unlimited)).toHaveLength(10);
  for (let n = 1; n <= 7; n += 1) {
    expectSuccess(await user.put('/api/users/unlimited', { email: `unlimited${n}@example.com` }));
  }
  await sink.waitFor('unlimited7@example.com', NEW_ADDRESS);
  await unlimited.close();
});
