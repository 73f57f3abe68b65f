import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Reader, Transaction } from '#src/database/unit-of-work.js';
import { LockedChat } from '#src/membership/locked-chat.js';
import { Scheduler } from '#src/scheduling/scheduler.js';
import { Filler, numbers } from '../support/fill.js';
import { expectSuccess, type Json, type Member } from '../support/parley.js';
import { removalsDone } from '../support/removals.js';
import { startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

const CHATS = 5_100;
const MEMBERS = 5_100;

let server: TestServer;
let filler: Filler;
let alex: Member;
/** The uuid of a chat with {@link MEMBERS} members, which is a room as well. */
let large: string;
let roomId: number;

beforeAll(async () => {
  server = await startServer();
  filler = new Filler(server);
  alex = await server.parley.signUp('alex');
  const room = await alex.post('/api/create_room', { room_name: 'Large' });
  [large, roomId] = [room.body.chat, room.body.room_id];
  for (let n = 0; n < 150; n += 1) await alex.send(large, String(n));
  await filler.addUsers('member.', MEMBERS - 1);
  await filler.addMembers(await filler.idOf('chats', 'uuid', large), 'member.');
  await filler.addChats(await filler.idOf('users', 'username', 'alex'), 'chat.', CHATS - 1);
  await filler.addRooms('chat.');
}, 60_000);

afterAll(() => server.close());

/** Queries of short rows, which may return more: names of users, and the members of all chats of up to four users. */
const SHORT_ROWS: [start: string, bound: number][] = [
  ['SELECT id, name, username FROM users', 16_384],
  ['SELECT mine.user_id AS reader_id, their.chat_id', 50_001],
];

/** Returns the most rows that a query of the call returned, and what the call answered. */
async function mostRowsOf(path: string): Promise<{ mostRows: number; body: Json }> {
  const query = vi.spyOn(Reader.prototype, 'query');
  const { status, body } = await alex.get(path);
  const counts = query.mock.calls.map(async ([sql], n) => {
    const rows: unknown[] = await query.mock.results[n].value;
    const [, bound] = SHORT_ROWS.find(([start]) => sql.startsWith(start)) ?? [];
    if (bound === undefined) return rows.length;
    expect(rows.length).toBeLessThanOrEqual(bound);
    return 0;
  });
  const mostRows = Math.max(...(await Promise.all(counts)));
  query.mockRestore();
  expect(status).toBe(200);
  return { mostRows, body };
}

/** Queries of a page read one row more than it holds. A page of chats reads up to 100 users of each. */
test.each([
  ['a page of chats', '/api/chats?limit=200', 201, 'data', 200],
  ['the users of a chat', () => `/api/chats/${large}/users`, 101, 'data', 100],
  ['a page of the users of a chat', () => `/api/chats/${large}/users?limit=200`, 201, 'data', 200],
  ['a page of rooms', '/api/rooms?limit=200', 201, 'rooms', 200],
  ["a page of the user's rooms", '/api/user_rooms?limit=200', 201, 'rooms', 200],
  ["a page of a room's members", () => `/api/room_members/${roomId}?limit=200`, 201, 'members', 200],
  ['messages of a room', () => `/api/get_room_messages?room_id=${roomId}`, 100, 'messages', 100],
  ['users like a text', '/api/users?username=member', 10, 'data', 10],
  ['all chats, in chunks', '/api/chats', 5_000, 'data', CHATS],
  ['one chat, its users in chunks', () => `/api/chats/${large}`, 5_000, 'data', 1],
  ['all rooms, in chunks', '/api/rooms', 5_000, 'rooms', CHATS],
  ['all rooms of the user, in chunks', '/api/user_rooms', 5_000, 'rooms', CHATS],
  ['all members of a room, in chunks', () => `/api/room_members/${roomId}`, 5_000, 'members', MEMBERS],
])('%s', async (_, path, bound, entries, length) => {
  const { mostRows, body } = await mostRowsOf(typeof path === 'string' ? path : path());
  expect(mostRows).toBeLessThanOrEqual(bound);
  expect(body[entries]).toHaveLength(length);
});

test('lists that are read in chunks are complete and in their order', async () => {
  const chats: Json[] = (await alex.get('/api/chats')).body.data;
  expect(chats[0]).toMatchObject({ uuid: large, messages: [{ index: 149 }] });
  expect(chats.slice(1).map(({ name }) => name)).toEqual(
    Array.from({ length: CHATS - 1 }, (__, n) => `chat.${n}`).toReversed(),
  );
  const usernames = ['alex', ...Array.from({ length: MEMBERS - 1 }, (__, n) => `member.${n}`)];
  expect(chats[0].users.map(({ username }: Json) => username)).toEqual(usernames);
  expect((await alex.get(`/api/room_members/${roomId}`)).body.members).toEqual(usernames);
});

/** Rows that one statement of a sweep or removal deletes, and those of a block of messages. */
const MAX_DELETED = 500;
const MAX_DELETED_OF_BLOCK = 1_024;

/** Returns how many rows each DELETE of the call deleted. */
async function deletionsOf(call: () => Promise<unknown>): Promise<{ sql: string; rows: number }[]> {
  const execute = vi.spyOn(Transaction.prototype, 'execute');
  await call();
  const deletions = await Promise.all(
    execute.mock.calls.map(async ([sql], n) => ({
      sql,
      rows: (await execute.mock.results[n].value) as number,
    })),
  );
  execute.mockRestore();
  return deletions.filter(({ sql }) => sql.startsWith('DELETE'));
}

describe('background work deletes in chunks:', () => {
  const MAILS = `INSERT INTO mails (user_id, kind, address, state, attempts, due_at, created_at)`;
  const KEYS = 'INSERT INTO idempotency_keys (user_id, key_text, digest, answer, created_at)';
  const COUNT = 1_300;

  test.each([
    [
      'expired tokens',
      'sweep of expired tokens',
      `INSERT INTO tokens (id, user_id, kind, expires_at) SELECT CONCAT('old', n), ?, 'authentication', n`,
      'tokens WHERE expires_at < 9999',
    ],
    [
      'expired idempotency keys',
      'sweep of expired idempotency keys',
      `${KEYS} SELECT ?, CONCAT('old', n), '', '{}', n`,
      'idempotency_keys WHERE created_at < 9999',
    ],
    [
      'old revocations',
      'sweep of old revocations',
      `INSERT INTO revocations (at, user_id, token_id) SELECT n, ?, 'old'`,
      'revocations WHERE at < 9999',
    ],
    [
      'old limits',
      'sweep of old limits',
      `INSERT INTO limit_counters (name, subject, hits, started_at) SELECT 'login', CONCAT(?, ' ', n), 1, n`,
      'limit_counters WHERE started_at < 9999',
    ],
    [
      'old mails',
      'deleting old mails',
      `${MAILS} SELECT ?, 'password-changed', 'a', 'sent', 1, 0, n`,
      'mails WHERE created_at < 9999',
    ],
  ])('%s', async (_, job, insert, old) => {
    const count = async () => {
      const [{ found }] = await filler.query<{ found: number }>(`SELECT COUNT(*) AS found FROM ${old}`);
      return found;
    };
    await filler.query(`${insert} FROM ${numbers(COUNT)}`, [await filler.idOf('users', 'username', 'alex')]);
    expect(await count()).toBe(COUNT);
    const deletions = await deletionsOf(async () => {
      server.app.get(Scheduler).wake(job);
      await until('the rows to be deleted', async () => (await count()) === 0 || undefined);
    });
    for (const { sql, rows } of deletions) expect(rows, sql).toBeLessThanOrEqual(MAX_DELETED);
    expect((await alex.get('/api/users/alex')).status).toBe(200);
  });

  test('an erased user', async () => {
    const [user, sam] = await Promise.all(['erased', 'sam'].map((name) => server.parley.signUp(name)));
    const id = await filler.idOf('users', 'username', 'erased');
    const chat = await sam.createChat([user]);
    await filler.addMessages(await filler.idOf('chats', 'uuid', chat), id, 3_000);
    await filler.addChats(id, 'own.', COUNT);
    const rows = [
      `INSERT INTO tokens (id, user_id, kind, expires_at) SELECT CONCAT('t', n), ?, 'authentication', 9999999999`,
      `${KEYS} SELECT ?, CONCAT('k', n), '', '{}', 9999999999999999`,
      `${MAILS} SELECT ?, 'password-changed', 'a', 'sent', 1, 0, 9999999999999999`,
    ];
    for (const insert of rows) await filler.query(`${insert} FROM ${numbers(COUNT)}`, [id]);

    const lockAll = vi.spyOn(LockedChat, 'lockAll');
    const deletions = await deletionsOf(async () => {
      expectSuccess(await user.delete('/api/users/erased'));
      await removalsDone(server);
    });
    const locked = lockAll.mock.calls.map(([, keys]) => keys.length);
    lockAll.mockRestore();
    expect(Math.max(...locked)).toBe(500);
    for (const { sql, rows: deleted } of deletions) {
      const bound = sql.includes('FROM messages') ? MAX_DELETED_OF_BLOCK : MAX_DELETED;
      expect(deleted, sql).toBeLessThanOrEqual(bound);
    }
    // Only a user who is in no chat sends no more, and each send may add a key.
    const ofUser = deletions.filter(({ sql }) => /FROM messages|user_id = \?/.test(sql));
    expect(ofUser.slice(0, 3).map(({ sql }) => sql.split(' ')[2])).toEqual(Array(3).fill('messages'));
    for (const table of ['members', 'tokens', 'idempotency_keys', 'mails']) {
      expect(await filler.query(`SELECT * FROM ${table} WHERE user_id = ?`, [id])).toEqual([]);
    }
    expect(await filler.query('SELECT * FROM messages WHERE sender_id = ?', [id])).toEqual([]);
  });

  // Deletes the large chat, so it is the last test.
  test('a deleted chat, of which the transaction itself deletes two rows', async () => {
    const id = await filler.idOf('chats', 'uuid', large);
    await filler.addMessages(id, await filler.idOf('users', 'username', 'alex'), 3_000);
    const defer = vi.spyOn(Transaction.prototype, 'defer');
    const deletions = await deletionsOf(async () => {
      expectSuccess(await alex.delete(`/api/chats/${large}`));
      await removalsDone(server);
      await filler.query('UPDATE deleted_chats SET deleted_at = 1');
      server.app.get(Scheduler).wake('sweep of deleted chats');
      await until('the deleted chat to be forgotten', async () => {
        const chats = await filler.query('SELECT * FROM deleted_chats');
        return chats.length === 0 || undefined;
      });
    });
    const deferred = defer.mock.calls.map(([sql]) => sql).filter((sql) => sql.startsWith('DELETE'));
    defer.mockRestore();
    expect(deferred).toEqual(['DELETE FROM chats WHERE id = ?']);
    for (const { sql, rows } of deletions) expect(rows, sql).toBeLessThanOrEqual(MAX_DELETED);
    for (const table of ['members', 'messages', 'sender_blocks']) {
      expect(await filler.query(`SELECT * FROM ${table} WHERE chat_id = ?`, [id])).toEqual([]);
    }
  });
});
