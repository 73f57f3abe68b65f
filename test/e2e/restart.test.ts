import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Json } from '../support/parley.js';
import { createTestDatabase, startServer, type TestDatabase } from '../support/server.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

test('acknowledged messages, tokens and indexes survive a restart', async () => {
  const before = await startServer({}, database);
  const alex = await before.parley.signUp('alex');
  const sam = await before.parley.signUp('sam');
  const chat = await alex.createChat([sam]);
  await Promise.all(Array.from({ length: 50 }, (_, n) => (n % 2 ? alex : sam).send(chat, String(n))));
  await alex.delete(`/api/chats/${chat}/messages/50`);
  const [listed, chats] = [await alex.list(chat), await sam.get('/api/chats')];
  await before.stop();

  const after = await startServer({}, database);
  const get = (path: string) => after.parley.get(path, { token: sam.token });
  expect((await get(`/api/chats/${chat}/messages`)).body.data).toEqual(listed);
  expect((await get('/api/chats')).body).toEqual(chats.body);
  const answer = await after.parley.post(
    `/api/chats/${chat}/messages`,
    { type: 'message', message: 'here again' },
    { token: alex.token },
  );
  expect(answer.body.data.index).toBe(51);
  await after.stop();
});

test('a server that stops while clients send has stored every acknowledged message', async () => {
  const before = await startServer({}, database);
  const kim = await before.parley.signUp('kim');
  const chat = await kim.createChat([]);
  const texts = Array.from({ length: 200 }, (_, n) => `text ${n}`);
  let stopping: Promise<void> | undefined;
  const acknowledged: string[] = [];
  const sends = texts.map(async (message) => {
    const path = `/api/chats/${chat}/messages`;
    const answer = await kim.post(path, { type: 'message', message }).catch((error: unknown) => {
      // A server that stops may close the connection without an answer.
      if (!(error instanceof TypeError)) throw error;
    });
    if (answer?.status === 200) acknowledged.push(message);
    stopping ??= before.stop();
  });
  await Promise.all(sends);
  await stopping;

  const after = await startServer({}, database);
  const { body } = await after.parley.get(`/api/chats/${chat}/messages?per_page=1000`, { token: kim.token });
  const stored = new Set<string>(body.data.messages.map(({ message }: Json) => message));
  expect(acknowledged.length).toBeGreaterThan(0);
  expect(acknowledged.filter((message) => !stored.has(message))).toEqual([]);
  await after.stop();
});
