import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.close());

test('two users hold a conversation', async () => {
  const { parley } = server;
  const alex = await parley.signUp('alex', { name: 'Alex', email: 'a@el.x' });
  const sam = await parley.signUp('sam');

  const chat = await alex.createChat([sam], { name: 'Super Awesome Chat', message: 'hello sam' });
  expect(await sam.send(chat, 'hello alex 😀')).toBe(1);
  expect(await alex.send(chat, 'bye')).toBe(2);
  expect(await sam.texts(chat)).toEqual(['hello sam', 'hello alex 😀', 'bye']);
  expect((await sam.describeChat(chat)).users).toEqual([alex.user, sam.user]);
});
