import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectFailure } from '../support/failure.js';
import { expectSuccess, type Json, type Member } from '../support/parley.js';
import {
  createTestDatabase,
  onMysql,
  startServer,
  type TestDatabase,
  type TestServer,
} from '../support/server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

describe.runIf(onMysql)('when the database', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let server: TestServer;
  let alex: Member;
  let chat: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    const url = new URL(database.url);
    proxy = new TcpProxy({ host: url.hostname, port: Number(url.port || 3306) });
    await proxy.open();
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    server = await startServer({}, { ...database, url: url.href });
    alex = await server.parley.signUp('alex');
    chat = await alex.createChat([]);
  });

  afterAll(async () => {
    await server.stop();
    await proxy.cut();
    await database.drop();
  });

  const calls: [string, () => ReturnType<Member['get']>][] = [
    ['a login', () => server.parley.post('/api/auth/login', { username: 'alex', password: alex.password })],
    ['a registration', () => server.parley.post('/api/users', samRegistration())],
    ['a forgotten password', () => server.parley.get('/api/auth/forgot-password?username=alex')],
    ['a search', () => alex.get('/api/users?username=al')],
    ['an update of a user', () => alex.put('/api/users/alex', { name: 'Alex' })],
    ['a list of chats', () => alex.get('/api/chats')],
    ['a new chat', () => alex.post('/api/chats', { name: 'n', users: ['alex'], message: 'm' })],
    ['a page of messages', () => alex.get(`/api/chats/${chat}/messages`)],
    ['a message', () => alex.post(`/api/chats/${chat}/messages`, { type: 'message', message: 'm' })],
    ['a logout', () => alex.get('/api/auth/logout')],
  ];

  const samRegistration = () => ({
    username: 'sam',
    password: alex.password,
    email: 'sam@example.com',
    name: 'Sam',
  });

  const waitForRecovery = () =>
    until('the server to find its database again', async () =>
      (await alex.get('/api/chats')).status === 200 ? true : undefined,
    );

  test('is unavailable, every call returns 503, and calls succeed after it is back', async () => {
    await proxy.cut();
    for (const [name, call] of calls) {
      const answer = await call();
      expect(expectFailure(answer, 503), name).toBe('the database is unavailable, try again later');
      expect(answer.headers.get('x-request-id'), name).toBeTruthy();
    }
    const many = await Promise.all(Array.from({ length: 50 }, () => alex.get('/api/chats')));
    for (const answer of many) expectFailure(answer, 503);
    expectFailure(await server.parley.get('/api/chats'), 401);
    expectFailure(await server.parley.get('/api/nope'), 404);

    await proxy.open();
    await waitForRecovery();
    expect(await alex.texts(chat)).toEqual(['first']);
    expectSuccess(await server.parley.post('/api/users', samRegistration()));
    await server.mailbox.waitFor('sam@example.com', /verify/i);
  });

  test('becomes unavailable during calls, each call is answered and acknowledged messages are stored', async () => {
    const before = (await alex.list(chat, '?per_page=1000')).messages.length;
    const { acknowledged, stop } = keepSending(8);
    await until('messages', () => acknowledged.size >= 50 || undefined);
    await proxy.cut();
    await until('a refusal', async () => (await alex.get('/api/chats')).status === 503 || undefined);
    await proxy.open();
    const enough = acknowledged.size + 50;
    await until('more messages', () => acknowledged.size >= enough || undefined);
    await expectAllStored(acknowledged, await stop(), before);
  });

  test('kills connections repeatedly, acknowledged messages are stored', async () => {
    const before = (await alex.list(chat, '?per_page=1000')).messages.length;
    const { acknowledged, stop } = keepSending(8);
    for (let round = 1; round <= 5; round += 1) {
      await until('messages', () => acknowledged.size >= round * 20 || undefined);
      await killConnections(new URL(database.url));
    }
    await until('messages', () => acknowledged.size >= 150 || undefined);
    await expectAllStored(acknowledged, await stop(), before);
  });

  /** Sends messages in several streams until `stop` is called. Each is acknowledged or refused with 503. */
  function keepSending(streams: number) {
    const acknowledged = new Map<number, string>();
    const stopped = new AbortController();
    let refused = 0;
    const run = async (stream: number) => {
      for (let count = 0; !stopped.signal.aborted; count += 1) {
        const message = `${stream} ${count}`;
        const answer = await alex.post(`/api/chats/${chat}/messages`, { type: 'message', message });
        if (answer.status === 200) acknowledged.set(answer.body.data.index, message);
        else refused += expectFailure(answer, 503) ? 1 : 0;
      }
    };
    const running = Promise.all(Array.from({ length: streams }, (_, stream) => run(stream)));
    const stop = async () => {
      stopped.abort();
      await running;
      return refused;
    };
    return { acknowledged, stop };
  }

  async function expectAllStored(acknowledged: Map<number, string>, refused: number, before: number) {
    await waitForRecovery();
    const stored = new Map<number, string>();
    for (let page = 0; ; page += 1) {
      const { messages } = await alex.list(chat, `?per_page=1000&page=${page}`);
      for (const { index, message } of messages as Json[]) stored.set(index, message);
      if (messages.length < 1000) break;
    }
    const lost = [...acknowledged].filter(([index, message]) => stored.get(index) !== message);
    expect(lost).toEqual([]);
    // A refused message may be stored, if its commit succeeded before the connection was cut.
    expect(stored.size - before - acknowledged.size).toBeGreaterThanOrEqual(0);
    expect(stored.size - before - acknowledged.size).toBeLessThanOrEqual(refused);
    expect([...stored.keys()]).toEqual([...stored.keys()].map((_, index) => index));
  }

  async function killConnections(url: URL): Promise<void> {
    const connection = await createConnection({ uri: database.url });
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT id FROM information_schema.processlist WHERE db = ?',
      [url.pathname.slice(1)],
    );
    for (const { id } of rows) await connection.query(`KILL ${id}`).catch(() => {});
    await connection.end();
  }
});
