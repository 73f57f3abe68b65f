import { afterEach, expect, test } from 'vitest';
import { createRoom, join } from '../support/rooms.js';
import { createTestDatabase, onMysql, startServer, type TestServer } from '../support/server.js';
import { tally } from '../support/tally.js';

const running: TestServer[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

test('RATE_LIMITS=off lifts the limit on wrong room passwords', async () => {
  const server = await startServer({ rateLimits: false });
  running.push(server);
  const owner = await server.parley.signUp('owner');
  const guest = await server.parley.signUp('guest');
  const room = await createRoom(owner, 'Unlimited', 'secret');
  const wrong = Array.from({ length: 25 }, () => join(guest, room, 'wrong'));
  expect(tally(await Promise.all(wrong))).toEqual({ 403: 25 });
  expect((await join(guest, room, 'secret')).status).toBe(200);
});

test.runIf(onMysql)('two instances on one database count wrong room passwords together', async () => {
  const database = await createTestDatabase();
  const one = await startServer({}, database);
  const two = await startServer({ jwtSecret: one.settings.jwtSecret }, database);
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
