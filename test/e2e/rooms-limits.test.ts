import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { UnitOfWork } from '#src/database/unit-of-work.js';
import type { Member } from '../support/parley.js';
import { createRoom, join, outcome, roomError, type TestRoom } from '../support/rooms.js';
import { createTestDatabase, onMysql, startServer, type TestServer } from '../support/server.js';
import { tally } from '../support/tally.js';

const WRONG_PASSWORD = roomError(403, 'wrong password');

const running: TestServer[] = [];

let server: TestServer;
let alex: Member;
let sam: Member;
let kim: Member;

const inParallel = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));

const membersOf = (member: Member, { id }: Pick<TestRoom, 'id'>) => member.get(`/api/room_members/${id}`);

/** Uses up the 10 wrong passwords that a user may try for a room. */
async function exhaust(member: Member, room: TestRoom): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    expect(outcome(await join(member, room, `wrong ${attempt}`))).toEqual(WRONG_PASSWORD);
  }
}

afterEach(async () => {
  for (const each of running.splice(0)) await each.close();
});

test('RATE_LIMITS=off lifts the limit on wrong room passwords', async () => {
  const unlimited = await startServer({ rateLimits: false });
  running.push(unlimited);
  const owner = await unlimited.parley.signUp('owner');
  const guest = await unlimited.parley.signUp('guest');
  const room = await createRoom(owner, 'Unlimited', 'secret');
  const wrong = Array.from({ length: 25 }, () => join(guest, room, 'wrong'));
  expect(tally(await Promise.all(wrong))).toEqual({ 403: 25 });
  expect((await join(guest, room, 'secret')).status).toBe(200);
});

test.runIf(onMysql)('two instances on one database count wrong room passwords together', async () => {
  const database = await createTestDatabase();
  const one = await startServer({ rateLimits: true }, database);
  const two = await startServer({ rateLimits: true, jwtSecret: one.settings.jwtSecret }, database);
  // The servers are closed in this order, because closing `one` drops the database.
  running.push({ ...two, close: () => two.stop() }, one);
  const owner = await one.parley.signUp('owner');
  const guest = await one.parley.signUp('guest');
  const room = await createRoom(owner, 'Two doors', 'secret');
  const json = { name: room.name, password: 'wrong' };
  const wrong = Array.from({ length: 40 }, (_, index) =>
    (index % 2 ? one : two).parley.post('/api/join_room', json, { token: guest.token }),
  );
  expect(tally(await Promise.all(wrong))).toEqual({ 403: 10, 429: 30 });
});

describe('wrong passwords', () => {
  beforeAll(async () => {
    server = await startServer({ rateLimits: true });
    const { parley } = server;
    [alex, sam, kim] = await Promise.all([parley.signUp('alex'), parley.signUp('sam'), parley.signUp('kim')]);
  });

  afterAll(() => server.close());

  test('after 10 of them, even the correct password returns 429', async () => {
    const room = await createRoom(alex, 'Guessed at', 'secret');
    await exhaust(sam, room);
    for (const password of ['wrong', 'secret']) {
      const answer = await join(sam, room, password);
      expect(outcome(answer)).toEqual(roomError(429, 'too many wrong passwords, try again later'));
      const seconds = answer.headers.get('retry-after') ?? '';
      expect(seconds).toMatch(/^[1-9]\d*$/);
      expect(Number(seconds)).toBeLessThanOrEqual(900);
      expect(Number(seconds)).toBeGreaterThan(800);
    }
    expect((await membersOf(alex, room)).body).toEqual({ members: ['alex'] });
  });

  test('do not block other users, or the same user in other rooms', async () => {
    const room = await createRoom(alex, 'Guessed at by sam', 'secret');
    const other = await createRoom(alex, 'Not guessed at', 'secret');
    await exhaust(sam, room);
    expect((await join(kim, room, 'secret')).status).toBe(200);
    expect((await join(sam, other, 'secret')).status).toBe(200);
    expect(outcome(await join(sam, room, 'secret'))).toMatchObject({ status: 429 });
  });

  test('are counted per user: each user has 10 attempts', async () => {
    const room = await createRoom(alex, 'Guessed at by two', 'secret');
    await exhaust(sam, room);
    await exhaust(kim, room);
    expect((await join(alex, room, 'secret')).status).toBe(200);
  });

  test('expire after 15 minutes', async () => {
    const room = await createRoom(alex, 'Guessed at long ago', 'secret');
    await exhaust(sam, room);
    const age = (seconds: number) =>
      server.app
        .get(UnitOfWork)
        .run((tx) =>
          tx.execute('UPDATE limit_counters SET started_at = started_at - ?', [seconds * 1_000_000]),
        );
    await age(14 * 60);
    const waiting = await join(sam, room, 'secret');
    expect(waiting.status).toBe(429);
    expect(Number(waiting.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    await age(60);
    await exhaust(sam, room);
    expect((await join(sam, room, 'secret')).status).toBe(429);
    await age(15 * 60);
    expect((await join(sam, room, 'secret')).status).toBe(200);
  });

  test('of 50 concurrent attempts, 10 are compared and 40 return 429', async () => {
    const room = await createRoom(alex, 'Guessed at in parallel', 'secret');
    const answers = await inParallel(50, (index) => join(sam, room, `wrong ${index}`));
    expect(tally(answers)).toEqual({ 403: 10, 429: 40 });
    expect((await join(sam, room, 'secret')).status).toBe(429);
  });

  test('a missing password does not count as an attempt', async () => {
    const room = await createRoom(alex, 'Asked for the password', 'secret');
    for (let attempt = 0; attempt < 12; attempt++) {
      expect(outcome(await join(sam, room))).toEqual(roomError(403, 'password required'));
    }
    expect((await join(sam, room, 'secret')).status).toBe(200);
  });

  test('correct passwords do not count as attempts, one by one or 30 at once', async () => {
    const room = await createRoom(alex, 'Joined often', 'secret');
    for (let attempt = 0; attempt < 12; attempt++) expect((await join(sam, room, 'secret')).status).toBe(200);
    expect(tally(await inParallel(30, () => join(sam, room, 'secret')))).toEqual({ 200: 30 });
  });
});
