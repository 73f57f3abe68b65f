import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MessageWriter } from '#src/messages/message-writer.js';
import { Reader } from '#src/database/unit-of-work.js';
import { newText } from '../support/new-message.js';
import { findViolations } from '../support/invariants.js';
import { isReplayed, textOf, under } from '../support/keyed.js';
import type { Answer, Json, Member } from '../support/parley.js';
import {
  createTestDatabase,
  onMysql,
  startServer,
  type TestDatabase,
  type TestServer,
} from '../support/server.js';

/** Skipped on SQLite, which supports only one server. */
describe.runIf(onMysql)('two servers on one database', () => {
  let database: TestDatabase;
  let servers: TestServer[];
  let alex: Member;
  let chats: string[];

  beforeAll(async () => {
    database = await createTestDatabase();
    servers = [await startServer({}, database), await startServer({}, database)];
    alex = await servers[0].parley.signUp('alex');
    chats = [];
    for (let n = 0; n < 10; n += 1) chats.push(await alex.createChat([]));
  });

  afterAll(async () => {
    for (const server of servers) await server.stop();
    await database.drop();
  });

  const indicesOf = async (chat: string): Promise<number[]> =>
    (await alex.list(chat, '?per_page=1000')).messages.map(({ index }: Json) => index);

  test('a user of one server can use the other server with the same token', async () => {
    const { body } = await servers[1].parley.get('/api/chats', { token: alex.token });
    expect(body.data).toHaveLength(10);
  });

  test('batches to the same chats in opposite orders are all stored', async () => {
    const [{ id: senderId }] = await servers[0].app.get(Reader).query<{ id: number }>('SELECT id FROM users');
    const rows = await servers[0].app.get(Reader).query<{ id: number }>('SELECT id FROM chats ORDER BY id');
    const forth = Array.from({ length: 10 }, () => rows.map(({ id }) => id)).flat();
    const back = forth.toReversed();
    const write = (server: TestServer, chatIds: number[]) =>
      chatIds.map((chatId) => server.app.get(MessageWriter).write(newText(chatId, senderId, 'text')));
    await Promise.all([...write(servers[0], forth), ...write(servers[1], back)]);
    for (const chat of chats) {
      expect(await indicesOf(chat)).toEqual(Array.from({ length: 21 }, (_, index) => index));
    }
  });

  test('sends to one chat through both servers get consecutive indexes and increasing timestamps', async () => {
    const chat = await alex.createChat([]);
    const sends = Array.from({ length: 200 }, async (_, n) => {
      const message = { type: 'message', message: `text ${n}` };
      const path = `/api/chats/${chat}/messages`;
      const { body } = await servers[n % 2].parley.post(path, message, { token: alex.token });
      return body.data.index as number;
    });
    const given = (await Promise.all(sends)).toSorted((a, b) => a - b);
    expect(given).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
    const { messages } = await alex.list(chat, '?per_page=1000');
    const timestamps: number[] = messages.map(({ timestamp }: Json) => timestamp);
    expect(timestamps).toEqual(timestamps.toSorted((a, b) => a - b));
    expect(new Set(timestamps).size).toBe(201);
  });

  test('of twenty additions of one user through both servers, exactly one succeeds', async () => {
    await servers[0].parley.signUp('sam');
    const chat = await alex.createChat([]);
    const additions = Array.from({ length: 20 }, (_, n) =>
      servers[n % 2].parley.put(`/api/chats/${chat}`, { mode: 'add', user: 'sam' }, { token: alex.token }),
    );
    const statuses = (await Promise.all(additions)).map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([200, ...Array(19).fill(400)]);
  });

  describe('of fifty requests with one key through both servers', () => {
    const TEXT = { type: 'message', message: 'hello' };

    const requestAll = (key: string, request: (n: number) => [path: string, json: Json]): Promise<Answer[]> =>
      Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          servers[n % 2].parley.post(...request(n), { token: alex.token, ...under(key) }),
        ),
      );

    test.each([
      ['text', TEXT],
      ['file', { type: 'file', filename: 'a.txt' }],
    ])('one sends a %s, and the others get its answer', async (key, json) => {
      const chat = await alex.createChat([]);
      const answers = await requestAll(key, () => [`/api/chats/${chat}/messages`, json]);
      expect(new Set(answers.map((answer) => `${answer.status} ${textOf(answer)}`)).size).toBe(1);
      expect(answers.filter((answer) => !isReplayed(answer))).toHaveLength(1);
      expect(await indicesOf(chat)).toEqual([0, 1]);
    });

    test('one creates a chat, and the others get its answer', async () => {
      const before = (await alex.get('/api/chats')).body.data.length;
      const answers = await requestAll('chat', () => [
        '/api/chats',
        { name: 'Chat', users: ['alex'], message: 'first' },
      ]);
      expect(new Set(answers.map((answer) => `${answer.status} ${textOf(answer)}`)).size).toBe(1);
      expect(answers.filter((answer) => !isReplayed(answer))).toHaveLength(1);
      expect((await alex.get('/api/chats')).body.data).toHaveLength(before + 1);
    });

    test('to different chats, one acts, and those to its chat get its answer', async () => {
      const pair = [await alex.createChat([]), await alex.createChat([])];
      const answers = await requestAll('pair', (n) => [`/api/chats/${pair[(n >> 1) & 1]}/messages`, TEXT]);
      expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(20);
      expect(answers.filter((answer) => answer.status === 200 && !isReplayed(answer))).toHaveLength(1);
      expect(answers.every(({ status }) => status === 200 || status === 422)).toBe(true);
      expect([...(await indicesOf(pair[0])), ...(await indicesOf(pair[1]))]).toHaveLength(3);
    });
  });

  test('requests that are each sent to both servers at once act once', async () => {
    const chat = await alex.createChat([]);
    const twice = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        Promise.all(
          servers.map(({ parley }) =>
            parley.post(
              `/api/chats/${chat}/messages`,
              { type: 'message', message: `text ${n}` },
              { token: alex.token, ...under(`twice-${n}`) },
            ),
          ),
        ),
      ),
    );
    for (const [one, two] of twice) {
      expect([one.status, two.status, textOf(two)]).toEqual([200, 200, textOf(one)]);
      expect(isReplayed(one)).toBe(!isReplayed(two));
    }
    expect(await indicesOf(chat)).toHaveLength(201);
  });

  test('violate no invariant of the database', async () => {
    expect(await findViolations(servers[1])).toEqual({});
  });
});
