import { getDataSourceToken } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { SqlValue, Statement } from '#src/database/driver.js';
import { READER, Reader, Transaction, UnitOfWork } from '#src/database/unit-of-work.js';
import { MailWorker } from '#src/mail/mail.worker.js';
import { MessageWriter, type NewMessage } from '#src/messages/message-writer.js';
import { UserSearchRepository } from '#src/users/user-search.repository.js';
import { under } from '../support/keyed.js';
import { newText } from '../support/new-message.js';
import { digest, Member } from '../support/parley.js';
import { Filler } from '../support/fill.js';
import { holdRemovals } from '../support/removals.js';
import { createRoom } from '../support/rooms.js';
import { onMysql, startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

let server: TestServer;
let alex: Member;
let sam: Member;
/** The uuids of a chat of 10 messages and of a chat of 2,000 messages. */
let short: string;
let long: string;
/** Is in two chats. */
let few: Member;

beforeAll(async () => {
  server = await startServer();
  alex = await server.parley.signUp('alex');
  sam = await server.parley.signUp('sam');
  short = await alex.createChat([sam], { name: 'short' });
  long = await alex.createChat([sam], { name: 'long' });
  few = await server.parley.signUp('few');
  for (const name of ['one', 'two']) await few.createChat([], { name });
  await fill(short, 10);
  await fill(long, 2_000);
  await addUsers(1_000);
  await addChats(30);
  await until('the mails to be sent', async () => {
    const waiting = await reader().query(`SELECT 1 FROM mails WHERE state = 'waiting'`);
    return waiting.length === 0 ? true : undefined;
  });
  // Stop the mail worker, because its statements would be counted as those of the measured call.
  await server.app.get(MailWorker).onModuleDestroy();
  if (onMysql) {
    const tables = 'users, user_search_terms, chats, members, messages, tokens';
    await dataSource().query(`ANALYZE TABLE ${tables}`);
  }
}, 120_000);

afterAll(() => server.close());
afterEach(() => vi.restoreAllMocks());

const reader = () => server.app.get(Reader);
const dataSource = () => server.app.get<DataSource>(getDataSourceToken());

/** Fills a chat up to `count` messages. */
async function fill(uuid: string, count: number): Promise<void> {
  const [{ id: chatId, owner_id: senderId }] = await reader().query<{ id: number; owner_id: number }>(
    'SELECT id, owner_id FROM chats WHERE uuid = ?',
    [uuid],
  );
  for (let written = 1; written < count; written += 500) {
    const length = Math.min(500, count - written);
    const batch = Array.from({ length }, () => newText(chatId, senderId, 'text'));
    await write(batch);
  }
}

const write = (batch: NewMessage[]) => {
  const writer = server.app.get(MessageWriter);
  return Promise.all(batch.map((message) => writer.write(message)));
};

/** Inserts users directly, because signing up takes longer. */
async function addUsers(count: number): Promise<void> {
  await server.app.get(UnitOfWork).run(async (tx) => {
    for (let n = 0; n < count; n += 1) {
      const username = `user${n.toString(36)}.${(n * 7919).toString(36)}`;
      await tx.execute(
        `INSERT INTO users (username, username_key, name, email, email_key, verified, password_hash, created_at)
         VALUES (?, ?, 'n', ?, ?, 0, '', 0)`,
        [username, username, username, username],
      );
      const [{ id }] = await tx.query<{ id: number }>('SELECT id FROM users WHERE username_key = ?', [
        username,
      ]);
      await server.app.get(UserSearchRepository).add(tx, id, username);
    }
  });
}

/** Creates chats of 200 other users each, because an index on a small table of members would be no gain. */
async function addChats(count: number): Promise<void> {
  const query = 'SELECT username FROM users ORDER BY id DESC LIMIT 200';
  const users = (await reader().query<{ username: string }>(query)).map(({ username }) => username);
  const owner = await server.parley.signUp('owner');
  await createRoom(owner, 'Room');
  for (let n = 0; n < count; n += 1) await owner.post('/api/chats', { name: String(n), users, message: 'm' });
}

/** Returns the owner of the chats of {@link addChats}, of which each has more users than a page shows. */
async function ownerOfLargeChats(): Promise<Member> {
  const token = await server.parley.login('owner', digest('password of owner'));
  return new Member(server.parley, 'owner', 'owner', '', '', token);
}

/** Returns the statements that a call sends to the database, without those of background workers. */
async function statementsOf(call: () => Promise<unknown>): Promise<Statement[]> {
  const statements: Statement[] = [];
  const spies = (['query', 'execute', 'defer'] as const).map((name) => vi.spyOn(Transaction.prototype, name));
  const queryAll = vi.spyOn(Transaction.prototype, 'queryAll');
  const reads = (['query', 'queryLatest'] as const).map((name) => vi.spyOn(Reader.prototype, name));
  const entities = [dataSource(), server.app.get<DataSource>(READER)].map((source) =>
    vi.spyOn(source.logger, 'logQuery').mockImplementation((sql, values = []) => {
      statements.push({ sql: sql.replaceAll(/["`]/g, ''), values: values as SqlValue[] });
    }),
  );
  await call();
  const calls = [...spies, ...reads].flatMap((spy) => spy.mock.calls as [string, SqlValue[]?][]);
  statements.push(...calls.map(([sql, values = []]) => ({ sql, values })));
  statements.push(...queryAll.mock.calls.flatMap(([together]) => together));
  for (const spy of [...spies, ...reads, queryAll, ...entities]) spy.mockRestore();
  return statements.filter(
    ({ sql }) => !/\bmails\b|\buploads\b|chat_id IS NULL|FROM removals Removal/.test(sql),
  );
}

/** Counts statements. Equal INSERTs count once on SQLite, where one INSERT is sent for each row. */
async function countOf(call: () => Promise<unknown>): Promise<number> {
  const texts = (await statementsOf(call)).map(({ sql }) => sql);
  if (onMysql) return texts.length;
  const isInsert = (sql: string) => /^INSERT INTO .* VALUES /.test(sql);
  return texts.filter((sql) => !isInsert(sql)).length + new Set(texts.filter(isInsert)).size;
}

/** Returns the full scans of stored tables in the query plan of a statement. */
async function scans({ sql, values }: Statement): Promise<string[]> {
  if (onMysql) {
    const plan = await dataSource().query<Record<string, string | null>[]>(`EXPLAIN ${sql}`, values);
    return plan
      .filter(({ type, table }) => (type === 'ALL' || type === 'index') && !table?.startsWith('<'))
      .map(({ table, type }) => `${table}: ${type}`);
  }
  const plan = await reader().query<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, values);
  const derived = plan.flatMap(({ detail }) => /^(?:CO-ROUTINE|MATERIALIZE) (\w+)/.exec(detail)?.[1] ?? []);
  return (
    plan
      .map(({ detail }) => detail)
      // `SCAN CONSTANT ROW` reads rows of the statement itself, not of a stored table.
      .filter((detail) => detail.startsWith('SCAN ') && detail !== 'SCAN CONSTANT ROW')
      .filter((detail) => !derived.includes(detail.split(' ')[1]))
  );
}

async function scansOf(call: () => Promise<unknown>): Promise<string[]> {
  const statements = (await statementsOf(call)).filter(({ sql }) => /^\s*SELECT/.test(sql));
  expect(statements.length).toBeGreaterThan(0);
  return (await Promise.all(statements.map(scans))).flat();
}

const sendUnderKey = () =>
  alex.post(`/api/chats/${short}/messages`, { type: 'message', message: 'text' }, under('key'));

describe('the number of statements', () => {
  // One statement each for chats, members, names of members and names of senders; the last two may be one.
  const LIST_STATEMENTS = 4;

  test('for the list of 30 chats is at most 5', async () => {
    const kim = await server.parley.signUp('kim');
    for (let n = 1; n <= 30; n += 1) await kim.createChat([alex, sam], { name: String(n) });
    const list = () => kim.get('/api/chats');
    // Plus 1 for the token.
    expect(await countOf(list)).toBeLessThanOrEqual(LIST_STATEMENTS + 1);
    expect((await list()).body.data).toHaveLength(30);
  });

  test('for the description of a chat of 30 members is at most 6', async () => {
    const chat = await alex.createChat([]);
    const describeIt = () => alex.get(`/api/chats/${chat}`);
    const users = await reader().query<{ username: string }>('SELECT username FROM users LIMIT 30');
    for (const { username } of users) await alex.put(`/api/chats/${chat}`, { mode: 'add', user: username });
    // Plus 2 for the token and the membership.
    expect(await countOf(describeIt)).toBeLessThanOrEqual(LIST_STATEMENTS + 2);
  });

  test('for a page of 30 chats is the same as for a page of 5, and at most 5', async () => {
    const lee = await server.parley.signUp('lee');
    for (let n = 1; n <= 31; n += 1) await lee.createChat([alex, sam], { name: String(n) });
    const withFew = await countOf(() => lee.get('/api/chats?limit=5'));
    expect(await countOf(() => lee.get('/api/chats?limit=30'))).toBe(withFew);
    expect(withFew).toBeLessThanOrEqual(LIST_STATEMENTS + 1);
  });

  test('for a page of chats with large ones is one more', async () => {
    const owner = await ownerOfLargeChats();
    const withFew = await countOf(() => owner.get('/api/chats?limit=2'));
    expect(await countOf(() => owner.get('/api/chats?limit=30'))).toBe(withFew);
    expect(withFew).toBeLessThanOrEqual(LIST_STATEMENTS + 2);
  });

  test.each(['', '?page=0&per_page=5', '?page=1&per_page=5&order=desc', '?before=7', '?after=3&per_page=5'])(
    'for the page %s is the same at 10 and at 2,000 messages, and at most 4',
    async (query) => {
      const inShort = await countOf(() => alex.list(short, query));
      expect(await countOf(() => alex.list(long, query))).toBe(inShort);
      expect(inShort).toBeLessThanOrEqual(4);
    },
  );

  test('for a page of 10 messages is the same as for a page of 1,000', async () => {
    const withFew = await countOf(() => alex.list(long, '?per_page=10'));
    expect(await countOf(() => alex.list(long, '?per_page=1000'))).toBe(withFew);
  });

  test('for one message is the same in a chat of 10 and of 2,000 messages', async () => {
    const inShort = await countOf(() => alex.get(`/api/chats/${short}/messages/5`));
    expect(await countOf(() => alex.get(`/api/chats/${long}/messages/1500`))).toBe(inShort);
  });

  test('for sending is the same at 10 and at 2,000 messages, and at most 7', async () => {
    const inShort = await countOf(() => alex.send(short, 'text'));
    expect(await countOf(() => alex.send(long, 'text'))).toBe(inShort);
    // One each for the token, membership, chat, sender, message, sender block and counters.
    expect(inShort).toBeLessThanOrEqual(7);
  });

  test('for sending under a key is two more, in as many round trips', async () => {
    const roundTrips = vi.spyOn(Transaction.prototype as unknown as { send(): unknown }, 'send');
    const plain = await countOf(() => alex.send(short, 'text'));
    const plainTrips = roundTrips.mock.calls.length;
    roundTrips.mockClear();
    expect(await countOf(sendUnderKey)).toBe(plain + 2);
    expect(roundTrips.mock.calls.length).toBe(plainTrips);
    // A repeat inserts neither a message nor a key, and changes no marker and no counter.
    expect(await countOf(sendUnderKey)).toBe(plain - 2);
  });

  test('for a batch of messages does not grow with the batch', async () => {
    const count = async (size: number) => {
      const query = 'SELECT id AS chatId, owner_id AS senderId FROM chats WHERE uuid = ?';
      const [ids] = await reader().query<{ chatId: number; senderId: number }>(query, [short]);
      const batch = Array.from({ length: size }, () => newText(ids.chatId, ids.senderId, 'text'));
      return countOf(() => write(batch));
    };
    expect(await count(100)).toBe(await count(1));
  });

  test('for creating a chat does not grow with its members', async () => {
    const users = await reader().query<{ username: string }>('SELECT username FROM users LIMIT 100');
    const create = (members: string[]) => () =>
      alex.post('/api/chats', { name: 'Chat', users: members, message: 'hello' });
    const withOne = await countOf(create(['sam']));
    expect(await countOf(create(users.map(({ username }) => username)))).toBe(withOne);
  });
});

describe('every read uses an index:', () => {
  /** Pages of a user who is in few of all chats; MariaDB reads a small table whole for a user who is in most of them. */
  const listPages = async () => {
    const { body } = await few.get('/api/chats?limit=1');
    return few.get(`/api/chats?limit=1&after=${body.next}`);
  };

  const listWithGaps = async () => {
    await alex.delete(`/api/chats/${long}/messages/1000`);
    return alex.list(long, '?page=3&per_page=100');
  };

  test.each<[string, () => Promise<unknown>]>([
    ['the list of chats', () => alex.get('/api/chats')],
    ['pages of chats', listPages],
    ['a page of large chats', async () => (await ownerOfLargeChats()).get('/api/chats?limit=5')],
    ['the users of a chat', () => alex.get(`/api/chats/${long}/users`)],
    ['a page of rooms', () => alex.get('/api/rooms?limit=5')],
    ["a page of the user's rooms", () => alex.get('/api/user_rooms?limit=5')],
    ["a page of a room's members", () => alex.get('/api/room_members/1?limit=5')],
    ['the description of a chat', () => alex.describeChat(long)],
    ['the first page', () => alex.list(long)],
    ['a later page', () => alex.list(long, '?page=15')],
    ['the newest page', () => alex.list(long, '?order=desc')],
    ['a page by the cursor before', () => alex.list(long, '?before=1000')],
    ['a page by the cursor after', () => alex.list(long, '?after=1000')],
    ['one message', () => alex.get(`/api/chats/${long}/messages/1000`)],
    ['an edit of a message', () => alex.put(`/api/chats/${long}/messages/9`, { message: 'x' })],
    ['the sending of a message', () => alex.send(long, 'text')],
    ['the sending of a message under a key', sendUnderKey],
    ['a page of a chat with gaps', listWithGaps],
    ['the removal of a message', () => alex.delete(`/api/chats/${long}/messages/1001`)],
    ['an addition to a chat', () => alex.put(`/api/chats/${short}`, { mode: 'add', user: 'userrs.4ln24' })],
    ['a user', () => alex.get('/api/users/sam')],
    ['the search by a prefix', () => alex.get('/api/users?username=users')],
    ['the search by a part', () => alex.get('/api/users?username=r5.')],
    ['the search by a misspelling', () => alex.get('/api/users?username=aelx')],
  ])('%s', async (_, call) => {
    expect(await scansOf(call)).toEqual([]);
  });

  test('this check detects a read without an index', async () => {
    const unindexed = () => reader().query("SELECT * FROM messages WHERE text = 'text'");
    expect(await scansOf(unindexed)).toHaveLength(1);
  });
});

/** A chat in which an erased user has sent 20,000 messages between two of alex. */
describe('while the messages of an erased user are hidden,', () => {
  let hidden: string;
  let remove: () => Promise<void>;

  beforeAll(async () => {
    const filler = new Filler(server);
    const gone = await server.parley.signUp('gone');
    hidden = await alex.createChat([gone]);
    const chatId = await filler.idOf('chats', 'uuid', hidden);
    await filler.addMessages(chatId, await filler.idOf('users', 'username', 'gone'), 20_000);
    await alex.send(hidden, 'last');
    remove = holdRemovals(server);
    await gone.delete('/api/users/gone');
    if (onMysql) await dataSource().query('ANALYZE TABLE messages, sender_blocks');
  });

  afterAll(() => remove());

  test.each(['', '?order=desc', '?page=1&per_page=1', '?after=0', '?before=20000', '?before=20001'])(
    'a page %s uses indexes and reads two blocks of messages at most',
    async (query) => {
      const list = () => alex.list(hidden, query);
      expect(await scansOf(list)).toEqual([]);
      if (onMysql) expect(await rowsOf(list)).toBeLessThan(4_000);
    },
  );

  test('the last message of a chat is found by indexes and in one block', async () => {
    await alex.delete(`/api/chats/${hidden}/messages/20001`);
    const describeIt = () => alex.describeChat(hidden);
    expect(await scansOf(describeIt)).toEqual([]);
    if (onMysql) expect(await rowsOf(describeIt)).toBeLessThan(2_000);
  });
});

/** Returns the rows that MariaDB reads. Runs on one connection, because MariaDB keeps these counters per session. */
async function rowsRead({ sql, values }: Statement): Promise<number> {
  const runner = dataSource().createQueryRunner();
  try {
    await runner.query('FLUSH STATUS');
    await runner.query(sql, values);
    const counters: { Value: string }[] = await runner.query("SHOW SESSION STATUS LIKE 'Handler_read%'");
    return counters.reduce((sum, { Value }) => sum + Number(Value), 0);
  } finally {
    await runner.release();
  }
}

const rowsOf = async (call: () => Promise<unknown>) => {
  const statements = (await statementsOf(call)).filter(({ sql }) => /^\s*SELECT/.test(sql));
  let sum = 0;
  for (const statement of statements) sum += await rowsRead(statement);
  return sum;
};

describe.runIf(onMysql)('the rows that MariaDB reads', () => {
  test.each(['?per_page=5&before=9', '?per_page=5&after=3', '?per_page=5&before=5&order=desc'])(
    'for the window %s are as many in a long chat as in a short one',
    async (query) => {
      const inShort = await rowsOf(() => alex.list(short, query));
      expect(await rowsOf(() => alex.list(long, query))).toBe(inShort);
    },
  );

  test('for a window near the end of a long chat are fewer than 50', async () => {
    expect(await rowsOf(() => alex.list(long, '?per_page=5&before=1990'))).toBeLessThan(50);
  });

  // For each chat an entry of the user's memberships, the chat itself, and twice an entry of the sort.
  test('for a page of chats are few for each chat of the user, whatever their messages', async () => {
    await alex.send(long, 'the latest');
    const chats = (await alex.get('/api/chats')).body.data.length;
    expect(chats).toBeGreaterThan(30);
    expect(await rowsOf(() => alex.get('/api/chats?limit=1'))).toBeLessThan(5 * chats + 30);
  });

  // Each member is read, looked for among the erased users, and stored twice for the union.
  test('for a page of large chats are at most 100 members of each', async () => {
    const owner = await ownerOfLargeChats();
    expect(await rowsOf(() => owner.get('/api/chats?limit=2'))).toBeLessThan(2 * 100 * 4 + 5 * 31);
  });

  test.each(['users', 'r5.', 'aelx', 'userrs.4lm24'])(
    'for the search %s are fewer than 700',
    async (text) => {
      expect(await rowsOf(() => alex.get(`/api/users?username=${text}`))).toBeLessThan(700);
    },
  );
});
