import { afterAll, beforeAll, expect, test } from 'vitest';
import { digest, expectSuccess, type Member } from '../support/parley.js';
import { startServer, type TestServer } from '../support/server.js';

const LOGINS = 100;
const MEBIBYTE = 2 ** 20;

let server: TestServer;
let alex: Member;

beforeAll(async () => {
  server = await startServer({ hashing: { memoryCost: 19_456, timeCost: 2 } });
  alex = await server.parley.signUp('alex');
});

afterAll(() => server.close());

test('100 concurrent logins do not block other requests, and use less than 400 MiB', async () => {
  const before = process.memoryUsage().rss;
  let peakRss = before;
  let done = 0;
  const logins = Array.from({ length: LOGINS }, async (_, number) => {
    // Every second login names an unknown user, which costs as much hashing.
    const username = number % 2 === 0 ? 'alex' : 'nobody';
    const { status } = await server.parley.post('/api/auth/login', { username, password: alex.password });
    done += 1;
    peakRss = Math.max(peakRss, process.memoryUsage().rss);
    expect(status).toBe(number % 2 === 0 ? 200 : 401);
  });

  const chat = await alex.createChat([], { message: 'meanwhile' });
  expect(await alex.send(chat, 'and on')).toBe(1);
  expect(await alex.texts(chat)).toEqual(['meanwhile', 'and on']);
  expectSuccess(await alex.get('/api/users?username=al'));
  const doneMeanwhile = done;

  await Promise.all(logins);
  expect(doneMeanwhile).toBeLessThan(LOGINS);
  expect((peakRss - before) / MEBIBYTE).toBeLessThan(400);
});

test('of twenty concurrent registrations of one name, exactly one succeeds', async () => {
  const password = digest('sam');
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, number) =>
      server.parley.post('/api/users', { username: 'sam', password, email: `sam${number}@e.x`, name: 'Sam' }),
    ),
  );
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  expect(statuses).toEqual([200, ...Array<number>(19).fill(409)]);
});
