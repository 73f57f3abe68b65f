import { afterEach, beforeEach, expect, test } from 'vitest';
import { Reader, UnitOfWork } from '#src/database/unit-of-work.js';
import { ChildServer } from '../support/child-server.js';
import { replayOf, seen, under } from '../support/keyed.js';
import type { Answer, Json, Parley } from '../support/parley.js';
import { createTestDatabase, startServer, type TestDatabase } from '../support/server.js';
import { until } from '../support/until.js';

const DAY_US = 86_400_000_000;

/** How many messages are sent until the server is killed, at most. */
const COUNT = 1_000;

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(() => database.drop());

/** Sends a text, a file, a room's message and a new chat, each under its own key. */
async function sendAll(parley: Parley, token: string, chat: string, roomId: number): Promise<Answer[]> {
  const post = (key: string, path: string, json: Json) => parley.post(path, json, { token, ...under(key) });
  const messages = `/api/chats/${chat}/messages`;
  return [
    await post('text', messages, { type: 'message', message: 'hello' }),
    await post('file', messages, { type: 'file', filename: 'a.txt' }),
    await post('room', '/api/send_room_message', { room_id: roomId, message: 'hello' }),
    await post('chat', '/api/chats', { name: 'Chat', users: ['alex'], message: 'first' }),
  ];
}

test('a repeat after a restart returns the first answer, even if PUBLIC_URL has changed', async () => {
  const before = await startServer({}, database);
  const alex = await before.parley.signUp('alex');
  const chat = await alex.createChat([]);
  const { body } = await alex.post('/api/create_room', { room_name: 'Room' });
  const first = await sendAll(before.parley, alex.token, chat, body.room_id);
  await before.stop();

  const after = await startServer({ publicUrl: 'http://moved.test' }, database);
  const repeats = await sendAll(after.parley, alex.token, chat, body.room_id);
  expect(repeats.map(seen)).toEqual(first.map(replayOf));
  await after.stop();
});

test('requests cut off by kill -9 and repeated under their keys are each stored once', async () => {
  let server = await ChildServer.start(database);
  const { token } = await server.parley.signUp('alex');
  const created = { name: 'Chat', users: ['alex'], message: 'first' };
  const chat = (await server.parley.post('/api/chats', created, { token })).body.data.uuid as string;
  const send = async (n: number): Promise<Answer> =>
    server.parley.post(
      `/api/chats/${chat}/messages`,
      { type: 'message', message: `text ${n}` },
      { token, ...under(`key-${n}`) },
    );

  const acknowledged = new Map<number, Answer>();
  const sends = Array.from({ length: 50 }, async (_, worker) => {
    for (let n = worker; n < COUNT; n += 50) {
      const answer = await send(n).catch(() => undefined);
      if (answer?.status !== 200) return n;
      acknowledged.set(n, answer);
    }
    return COUNT;
  });
  await until('some sends to be acknowledged', () => (acknowledged.size >= 100 ? true : undefined));
  await server.kill('SIGKILL');
  const cutOff = (await Promise.all(sends)).filter((n) => n < COUNT);
  expect(cutOff.length).toBeGreaterThan(0);

  server = await ChildServer.start(database);
  const repeats = await Promise.all([...acknowledged.keys()].map(send));
  expect(repeats.map(seen)).toEqual([...acknowledged.values()].map(replayOf));
  const repaired = await Promise.all(cutOff.map(send));
  expect(new Set(repaired.map(({ status }) => status))).toEqual(new Set([200]));

  const expected = [...acknowledged.keys(), ...cutOff].map((n) => `text ${n}`);
  const page = `/api/chats/${chat}/messages?per_page=1000&after=0`;
  const { messages } = (await server.parley.get(page, { token })).body.data;
  const stored: string[] = messages.map(({ message }: Json) => message);
  expect(stored.toSorted()).toEqual(expected.toSorted());
  await server.kill();
}, 60_000);

test('the sweep at the start deletes all expired keys and keeps the others', async () => {
  const before = await startServer({}, database);
  const alex = await before.parley.signUp('alex');
  await alex.post('/api/chats', { name: 'Chat', users: ['alex'], message: 'first' }, under('young'));
  const keys = (reader: Reader) => reader.query<Json>('SELECT * FROM idempotency_keys');
  const [young] = await keys(before.app.get(Reader));
  await before.app.get(UnitOfWork).run(async (tx) =>
    tx.insert(
      'idempotency_keys (user_id, key_text, digest, answer, created_at)',
      Array.from({ length: 2_500 }, (_, n) => [
        young.user_id,
        `old-${n}`,
        '',
        '{}',
        young.created_at - DAY_US - n * 1_000,
      ]),
    ),
  );
  await before.stop();

  const after = await startServer({}, database);
  await until('the expired keys to be deleted', async () => {
    const left = await keys(after.app.get(Reader));
    return left.length === 1 ? true : undefined;
  });
  expect(await keys(after.app.get(Reader))).toEqual([young]);
  await after.stop();
});
