import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectFailure } from '../support/failure.js';
import { expectSuccess, type Member } from '../support/parley.js';
import {
  createTestDatabase,
  onMysql,
  startServer,
  type TestDatabase,
  type TestServer,
} from '../support/server.js';
import { ServerProcess } from '../support/server-process.js';

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(() => database.drop());

describe.runIf(!onMysql)(
  'a stopped server leaves the database in one file, which is complete by itself',
  () => {
    const data = () => join(database.dataDir, 'data');

    /** Sends, runs `meanwhile`, stops the server, and starts another on a copy of only the file and the secret. */
    async function restartOnCopy(meanwhile = () => {}): Promise<void> {
      const server = await ServerProcess.start(database);
      const alex = await (await server.parley()).signUp('alex');
      const chat = await alex.createChat([]);
      await Promise.all(Array.from({ length: 50 }, (_, n) => alex.send(chat, `text ${n}`)));
      meanwhile();
      expect(await server.end()).toEqual({ code: 0, signal: null });

      const copy = join(database.dataDir, 'copy');
      mkdirSync(copy);
      for (const name of ['parley.sqlite', 'jwt-secret']) copyFileSync(join(data(), name), join(copy, name));
      const there = await startServer({}, { ...database, dataDir: copy });
      const answer = await there.parley.get(`/api/chats/${chat}/messages?per_page=100`, {
        token: alex.token,
      });
      expect(expectSuccess(answer).data.messages).toHaveLength(51);
      await there.stop();
    }

    test('without a log beside it', async () => {
      await restartOnCopy();
      expect(readdirSync(data()).filter((name) => name.startsWith('parley.sqlite'))).toEqual([
        'parley.sqlite',
      ]);
    });

    test('even while another process has the file open', async () => {
      let other: Database.Database | undefined;
      await restartOnCopy(() => {
        other = new Database(join(data(), 'parley.sqlite'));
        other.prepare('SELECT * FROM users').all();
      });
      other?.close();
    });
  },
);

describe.runIf(!onMysql)('while another process holds the lock of the database', () => {
  let server: TestServer;
  let alex: Member;
  let chat: string;
  let other: Database.Database;

  beforeEach(async () => {
    server = await startServer({}, database);
    alex = await server.parley.signUp('alex');
    chat = await alex.createChat([]);
    other = new Database(join(database.dataDir, 'parley.sqlite'));
    other.exec('BEGIN IMMEDIATE');
  });

  afterEach(async () => {
    other.close();
    await server.stop();
  });

  const send = (message: string) => alex.post(`/api/chats/${chat}/messages`, { type: 'message', message });

  test('the server answers reads, and finishes writes once the lock is released', async () => {
    let isSent = false;
    const sending = send('second').finally(() => (isSent = true));
    const renaming = alex.put('/api/users/alex', { name: 'Alex' });
    for (let count = 0; count < 50; count += 1) expect(await alex.texts(chat)).toEqual(['first']);
    expect(isSent).toBe(false);
    other.exec('COMMIT');
    expectSuccess(await sending);
    expectSuccess(await renaming);
    expect(await alex.texts(chat)).toEqual(['first', 'second']);
  });

  test('for long, writes that wait one behind the other all fail, and leave nothing behind', async () => {
    // One after the other, these waits would exceed the timeout of the test.
    const names = Array.from({ length: 10 }, (_, n) => alex.put('/api/users/alex', { name: `Alex ${n}` }));
    const sends = Array.from({ length: 10 }, (_, n) => send(`lost ${n}`));
    for (const answer of await Promise.all([...names, ...sends])) {
      expect(expectFailure(answer, 503)).toBe('the database is unavailable, try again later');
    }
    other.exec('COMMIT');
    expect(await alex.texts(chat)).toEqual(['first']);

    // The next lock is waited for again.
    expectSuccess(await send('second'));
    other.exec('BEGIN IMMEDIATE');
    const sending = send('third');
    expect(await alex.texts(chat)).toEqual(['first', 'second']);
    other.exec('COMMIT');
    expectSuccess(await sending);
  });
});
