import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ChatRange, LOG_LIFETIME_US } from '#src/changes/change-log.js';
import { Reader, UnitOfWork } from '#src/database/unit-of-work.js';
import { FilesRepository } from '#src/files/files.repository.js';
import { now, SECOND_US } from '#src/helpers/clock.js';
import { LockedChat } from '#src/membership/locked-chat.js';
import { Scheduler } from '#src/scheduling/scheduler.js';
import { FileServer, type Link } from '../support/file-server.js';
import { Filler } from '../support/fill.js';
import { form } from '../support/forms.js';
import { findViolations } from '../support/invariants.js';
import { under } from '../support/keyed.js';
import { expectSuccess, type Json, type Member, type RequestOptions } from '../support/parley.js';
import { holdRemovals, removalsDone } from '../support/removals.js';
import { createRoom, join, leave, type TestRoom } from '../support/rooms.js';
import { onMysql } from '../support/server.js';
import { until } from '../support/until.js';

let files: FileServer;
let filler: Filler;
let unitOfWork: UnitOfWork;
/** Owns the chat and the room of each test. */
let alex: Member;
/** Is in both. */
let sam: Member;
/** Is in neither. A new user for each test. */
let rae: Member;
let chat: string;
let room: TestRoom;
let count = 0;
/** What the listeners of `chatsChanged` were told. */
let told: ChatRange[] = [];

beforeAll(async () => {
  files = await FileServer.start('disk');
  ({ alex, sam } = files);
  filler = new Filler(files.server);
  unitOfWork = files.server.app.get(UnitOfWork);
  unitOfWork.topics.subscribe('chatsChanged', (ranges) => told.push(...ranges));
});

beforeEach(async () => {
  count += 1;
  rae = await files.server.parley.signUp(`rae${count}`);
  chat = await alex.createChat([sam]);
  room = await createRoom(alex, `Room ${count}`);
  await join(sam, room);
  told = [];
});

afterEach(async () => {
  vi.restoreAllMocks();
  expect(await findViolations(files.server)).toEqual({});
});

afterAll(() => files.close());

const query = <Row>(sql: string, ...values: (string | number)[]) =>
  files.server.app.get(Reader).query<Row>(sql, values);
const idOf = (uuid: string) => filler.idOf('chats', 'uuid', uuid);
const update = (member: Member, json: object) => member.put(`/api/chats/${chat}`, json);
const add = ({ username }: Member) => update(alex, { mode: 'add', user: username });
const remove = (member: Member, { username }: Member) => update(member, { mode: 'delete', user: username });

interface HistoryEvent {
  chatId: number;
  at: number;
  type: string;
  /** `<chat>: <type> <message or user>` */
  line: string;
}

/** Reads what is recorded, by a key: the chats by their ids, the events of each in their order. */
async function readHistory(): Promise<Map<string, HistoryEvent>> {
  const rows = await query<Json>(
    `SELECT event.*, u.username, COALESCE(c.uuid, d.uuid) AS uuid FROM (
       SELECT chat_id AS chatId, at, type, seq, user_id, erased_user FROM chat_changes
       UNION ALL SELECT chat_id, sent_at, 'message', seq, NULL, NULL FROM messages
       UNION ALL SELECT chat_id, deleted_at, 'deleted', NULL, NULL, NULL FROM deleted_chats
       UNION ALL SELECT chat_id, read_at, 'read', NULL, user_id, NULL FROM members WHERE read_at > 0
     ) event LEFT JOIN users u ON u.id = event.user_id
     LEFT JOIN chats c ON c.id = event.chatId LEFT JOIN deleted_chats d ON d.chat_id = event.chatId
     ORDER BY event.chatId, event.at`,
  );
  const labels = new Map<unknown, string>([
    [chat, 'chat'],
    [room.chat, 'room'],
    [rae.username, 'rae'],
    [JSON.stringify(rae.user), 'rae (erased)'],
  ]);
  return new Map(
    rows.map(({ chatId, at, type, seq, username, erased_user, uuid }) => {
      const subject = [seq, username, erased_user].filter((value) => value !== null);
      const words = [type, ...subject.map((value) => labels.get(value) ?? value)];
      const line = `${labels.get(uuid) ?? 'another'}: ${words.join(' ')}`;
      return [`${chatId} ${at} ${type}`, { chatId, at, type, line }];
    }),
  );
}

/** Returns the events that `act` and its removals record. The listeners must be told up to the last event of each chat. */
async function recordedBy(act: () => Promise<unknown>): Promise<string[]> {
  const before = await readHistory();
  told = [];
  await act();
  await removalsDone(files.server);
  const added = [...(await readHistory())].filter(([key]) => !before.has(key)).map(([, event]) => event);
  const changes = added.filter(({ type }) => type !== 'read');
  const ends = new Map(told.map(({ chatId, to }) => [chatId, to.at]));
  expect(ends).toEqual(new Map(changes.map(({ chatId, at }) => [chatId, at])));
  return added.map(({ line }) => line);
}

/** A call of an operation, and what it must record. */
interface Call {
  does: string;
  records: string[];
  /** Runs before the call. */
  given?: () => Promise<unknown>;
  /** Alex by default. */
  by?: () => Member;
  json?: () => object;
  options?: () => RequestOptions;
}

let link: Link;
let resetToken: string;

const text = (message: string) => ({ type: 'message', message });
const newChat = () => ({ name: 'New', users: ['sam'], message: 'first' });
const inRoom = () => ({ room_id: room.id, message: 'hello' });
const samLeaves = async () => {
  await remove(sam, sam);
  await leave(sam, room);
};
const allLeaveRoom = async () => {
  for (const member of [sam, alex]) await leave(member, room);
};

/** Calls of each operation that may change something, in a chat that has the message 0 and a room without messages. */
const CALLS: Record<string, Call[]> = {
  'POST /api/auth/login': [
    { does: 'logs in', json: () => ({ username: 'alex', password: alex.password }), records: [] },
  ],
  'GET /api/auth/logout': [{ does: 'logs out', by: () => rae, records: [] }],
  'POST /api/auth/resend-verification': [
    { does: 'queues a mail', json: () => ({ username: 'alex' }), records: [] },
  ],
  'POST /api/auth/reset-password': [
    {
      does: 'sets a password',
      given: async () => {
        expectSuccess(await rae.get(`/api/auth/forgot-password?username=${rae.username}`));
        resetToken = await files.server.mailbox.waitForToken(rae.email, /^Reset/);
      },
      json: () => ({ password: alex.password }),
      options: () => ({ token: resetToken }),
      records: [],
    },
  ],
  'POST /api/users': [
    {
      does: 'registers',
      json: () => ({ username: 'zoe', password: alex.password, email: 'zoe@example.com', name: 'Zoe' }),
      records: [],
    },
  ],
  'PUT /api/users/{user}': [
    { does: 'renames a member', by: () => sam, json: () => ({ name: 'Samuel' }), records: [] },
  ],
  'DELETE /api/users/{user}': [
    {
      does: 'erases a member, who has left the room before',
      given: async () => {
        await add(rae);
        await join(rae, room);
        for (const uuid of [chat, room.chat]) await rae.send(uuid, 'hello');
        await leave(rae, room);
      },
      by: () => rae,
      records: ['chat: member.left rae (erased)', 'chat: chat.limited', 'room: chat.limited'],
    },
    {
      does: 'erases the owner of a chat',
      given: () => rae.createChat([alex]),
      by: () => rae,
      records: ['another: member.left rae (erased)', 'another: chat.updated', 'another: chat.limited'],
    },
    {
      does: 'erases the only member of a chat',
      given: () => rae.createChat([]),
      by: () => rae,
      records: ['another: member.left rae (erased)', 'another: chat.updated', 'another: deleted'],
    },
  ],
  'POST /api/chats': [
    { does: 'creates a chat', json: newChat, records: ['another: message 0', 'another: chat.created'] },
    {
      does: 'repeats that under its key',
      given: () => alex.post('/api/chats', newChat(), under('chat')),
      json: newChat,
      options: () => under('chat'),
      records: [],
    },
  ],
  'PUT /api/chats/{chat}': [
    { does: 'renames', json: () => ({ name: 'New' }), records: ['chat: chat.updated'] },
    { does: 'adds', json: () => ({ mode: 'add', user: rae.username }), records: ['chat: member.added rae'] },
    { does: 'removes', json: () => ({ mode: 'delete', user: 'sam' }), records: ['chat: member.removed sam'] },
    {
      does: 'renames and adds',
      json: () => ({ name: 'New', mode: 'add', user: rae.username }),
      records: ['chat: chat.updated', 'chat: member.added rae'],
    },
    {
      does: 'leaves',
      by: () => sam,
      json: () => ({ mode: 'delete', user: 'sam' }),
      records: ['chat: member.left sam'],
    },
    {
      does: 'leaves as the owner',
      json: () => ({ mode: 'delete', user: 'alex' }),
      records: ['chat: member.left alex', 'chat: chat.updated'],
    },
    {
      does: 'leaves as the last member',
      given: samLeaves,
      json: () => ({ mode: 'delete', user: 'alex' }),
      records: ['chat: member.left alex', 'chat: chat.updated', 'chat: deleted'],
    },
  ],
  'DELETE /api/chats/{chat}': [{ does: 'deletes', records: ['chat: deleted'] }],
  'POST /api/chats/{chat}/typing': [{ does: 'types', records: [] }],
  'PUT /api/chats/{chat}/read': [
    { does: 'moves the marker', by: () => sam, json: () => ({ index: 0 }), records: ['chat: read sam'] },
    { does: 'leaves the marker where it is', json: () => ({ index: 0 }), records: [] },
  ],
  'POST /api/chats/{chat}/messages': [
    { does: 'sends', json: () => text('hello'), records: ['chat: message 1'] },
    { does: 'sends a link', json: () => ({ type: 'image' }), records: ['chat: message 1'] },
    {
      does: 'repeats a send under its key',
      given: () => alex.post(`/api/chats/${chat}/messages`, text('once'), under('send')),
      json: () => text('once'),
      options: () => under('send'),
      records: [],
    },
  ],
  'PUT /api/chats/{chat}/messages/{message}': [
    { does: 'edits', json: () => ({ message: 'other' }), records: ['chat: message.updated 0'] },
  ],
  'DELETE /api/chats/{chat}/messages/{message}': [{ does: 'deletes', records: ['chat: message.deleted 0'] }],
  'POST /api/files/{file}': [
    {
      does: 'uploads',
      given: async () => {
        link = await files.sendFile(alex, chat);
      },
      options: () => form({ content: 'bytes' }),
      records: ['chat: message.updated 1'],
    },
  ],
  'POST /api/create_room': [
    {
      does: 'creates a room',
      json: () => ({ room_name: `Other ${count}`, is_private: 0 }),
      records: ['another: chat.created'],
    },
  ],
  'POST /api/join_room': [
    {
      does: 'joins',
      by: () => rae,
      json: () => ({ name: room.name }),
      records: ['room: member.added rae'],
    },
    { does: 'joins again', json: () => ({ name: room.name }), records: [] },
    {
      does: 'joins a room without an owner',
      given: allLeaveRoom,
      by: () => rae,
      json: () => ({ name: room.name }),
      records: ['room: member.added rae', 'room: chat.updated'],
    },
  ],
  'POST /api/leave_room': [
    {
      does: 'leaves',
      by: () => sam,
      json: () => ({ room_id: room.id }),
      records: ['room: member.left sam'],
    },
    {
      does: 'leaves as the owner',
      json: () => ({ room_id: room.id }),
      records: ['room: member.left alex', 'room: chat.updated'],
    },
    {
      does: 'leaves as the last member of the room, which stays',
      given: samLeaves,
      json: () => ({ room_id: room.id }),
      records: ['room: member.left alex', 'room: chat.updated'],
    },
  ],
  'POST /api/send_room_message': [
    { does: 'sends', json: inRoom, records: ['room: message 0'] },
    {
      does: 'repeats a send under its key',
      given: () => alex.post('/api/send_room_message', inRoom(), under('room')),
      json: inRoom,
      options: () => under('room'),
      records: [],
    },
  ],
};

describe('each operation records what it changes:', () => {
  for (const [operation, calls] of Object.entries(CALLS)) {
    const [method, path] = operation.split(' ');

    for (const { does, given, by = () => alex, json, options, records } of calls) {
      test(`${operation} ${does}`, async () => {
        await given?.();
        const { username, token } = by();
        const values: Record<string, string> = { chat, message: '0', file: link?.uuid, user: username };
        const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name]);
        const recorded = await recordedBy(async () => {
          const request = { token, json: json?.(), ...options?.() };
          const { status, body } = await files.server.parley.request(method, url, request);
          expect(status, JSON.stringify(body)).toBeLessThan(300);
        });
        expect(recorded).toEqual(records);
      });
    }
  }

  test('the calls above cover the document', async () => {
    const { paths } = (await alex.get('/api/docs-json')).body;
    const documented = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const writes = documented.filter((operation) => !operation.startsWith('GET '));
    expect(Object.keys(CALLS)).toEqual(expect.arrayContaining(writes));
    expect(documented).toEqual(expect.arrayContaining(Object.keys(CALLS)));
  });
});

test('an erased user is named in the log of more chats than one transaction may lock', async () => {
  await filler.addChats(await filler.idOf('users', 'username', rae.username), 'many.', 501);
  const release = holdRemovals(files.server);
  const recorded = await recordedBy(async () => {
    expectSuccess(await rae.delete(`/api/users/${rae.username}`));
    await release();
  });
  expect(recorded.filter((line) => line === 'another: member.left rae (erased)')).toHaveLength(501);
});

describe('a refused operation records nothing and tells nothing:', () => {
  const message = (index: number) => `/api/chats/${chat}/messages/${index}`;

  test.each<[string, number, () => Promise<{ status: number }>]>([
    ['to edit what another user sent', 403, () => sam.put(message(0), { message: 'x' })],
    ['to edit what was never sent', 400, () => alex.put(message(7), { message: 'x' })],
    ['to delete what another user sent', 403, () => sam.delete(message(0))],
    ['to read what was never sent', 400, () => sam.put(`/api/chats/${chat}/read`, { index: 7 })],
    ['to send from outside', 403, () => rae.post(`/api/chats/${chat}/messages`, text('x'))],
    ['to delete the chat of another user', 403, () => sam.delete(`/api/chats/${chat}`)],
    ['to add a member again', 400, () => add(sam)],
    ['to remove who is no member', 400, () => remove(alex, rae)],
    ['to rename and to add nobody', 400, () => update(alex, { name: 'N', mode: 'add', user: 'nobody' })],
    ['to leave a room from outside', 403, () => leave(rae, room)],
  ])('%s', async (_, expected, act) => {
    const recorded = await recordedBy(async () => expect((await act()).status).toBe(expected));
    expect(recorded).toEqual([]);
  });

  test('to upload to a link that another upload uses meanwhile', async () => {
    const uploaded = await files.sendFile(alex, chat);
    // As if the other upload had just been committed.
    vi.spyOn(files.server.app.get(FilesRepository), 'consumeLink').mockResolvedValueOnce(false);
    const recorded = await recordedBy(async () => {
      const { body } = await files.upload(uploaded, form({ content: 'bytes' }));
      expect(body.code).toBe('link_used');
    });
    expect(recorded).toEqual([]);
  });

  test('a transaction that is rolled back', async () => {
    const chatId = await idOf(chat);
    const failure = new Error('after all');
    const rename = () =>
      unitOfWork.run(async (tx) => {
        const locked = (await LockedChat.lockAll(tx, [{ chatId, userId: 0 }])).get(chatId);
        locked?.rename('New');
        tx.beforeCommit(() => {
          throw failure;
        });
      });
    expect(await recordedBy(() => expect(rename()).rejects.toBe(failure))).toEqual([]);
  });
});

describe('50 operations at once', () => {
  const guest = (n: number) => `guest${count}.${n}`;
  const repeat = <T>(times: number, act: (n: number) => Promise<T>) =>
    Array.from({ length: times }, (_, n) => act(n));

  /** Does all that the log records. Of ten guests who are added, five are removed and come back. */
  async function mixOperations(): Promise<void> {
    await filler.addUsers(guest(0).slice(0, -1), 10);
    for (let n = 0; n < 9; n += 1) await alex.send(chat, 'early');
    const message = (index: number) => `/api/chats/${chat}/messages/${index}`;
    const move = async (mode: 'add' | 'delete', n: number) =>
      expectSuccess(await update(alex, { mode, user: guest(n) }));
    await Promise.all([
      ...repeat(10, (n) => (n % 2 ? sam : alex).send(chat, 'late')),
      ...repeat(10, async (n) => expectSuccess(await alex.put(message(n % 5), { message: 'edited' }))),
      ...repeat(5, async (n) => expectSuccess(await alex.delete(message(n + 5)))),
      ...repeat(5, async (n) => expectSuccess(await update(sam, { name: `Name ${n}` }))),
      ...repeat(5, (n) => move('add', n)),
      ...repeat(5, async (n) => {
        await move('add', n + 5);
        await move('delete', n + 5);
        await move('add', n + 5);
      }),
    ]);
  }

  const readTimes = async () => {
    const chatId = await idOf(chat);
    const timesIn = async (sql: string) =>
      (await query<{ at: number }>(`${sql} WHERE chat_id = ?`, chatId)).map(({ at }) => at);
    const sent = await timesIn('SELECT sent_at AS at FROM messages');
    const changed = await timesIn('SELECT at FROM chat_changes');
    return { chatId, sent, changed };
  };

  /** Returns where the history of the chat ends. */
  const readPosition = async () => {
    const [row] = await query<Json>('SELECT * FROM chats WHERE uuid = ?', chat);
    return { at: Math.max(row.last_sent_at, row.last_change_at), seq: row.next_seq };
  };

  // Else the times would differ by themselves.
  const stopClock = () => vi.spyOn(Date, 'now').mockReturnValue(Date.now());

  test('get times that differ, and the chat has the latest ones', async () => {
    stopClock();
    await mixOperations();
    const { chatId, sent, changed } = await readTimes();
    expect([sent.length, changed.length]).toEqual([15, 41]);
    expect(new Set([...sent, ...changed]).size).toBe(56);
    expect(await query('SELECT last_sent_at, last_change_at FROM chats WHERE id = ?', chatId)).toEqual([
      { last_sent_at: Math.max(...sent), last_change_at: Math.max(...changed) },
    ]);
  });

  test('let each membership begin after all that happened before it, and not after its record', async () => {
    stopClock();
    await mixOperations();
    const { chatId, sent, changed } = await readTimes();
    const members = await query<{ since: number; recordedAt: number }>(
      `SELECT m.since, MAX(c.at) AS recordedAt FROM members m JOIN chat_changes c ON c.chat_id = m.chat_id
         AND (c.type = 'chat.created' OR (c.type = 'member.added' AND c.user_id = m.user_id))
       WHERE m.chat_id = ? GROUP BY m.user_id, m.since`,
      chatId,
    );
    expect(members).toHaveLength(12);
    for (const { since, recordedAt } of members) {
      const earlier = [...sent, ...changed].filter((at) => at < recordedAt);
      expect(since).toBeGreaterThan(Math.max(...earlier));
      expect(since).toBeLessThanOrEqual(recordedAt);
    }
  });

  test('are told in ranges that cover the history without a gap and without an overlap', async () => {
    const start = await readPosition();
    await mixOperations();
    const chatId = await idOf(chat);
    const ranges = told.filter((range) => range.chatId === chatId);
    // InnoDB unlocks rows before it flushes the log, so the answers to two COMMITs may arrive in the other order.
    if (onMysql) ranges.sort((a, b) => a.to.at - b.to.at);
    expect([start, ...ranges.map(({ to }) => to)]).toEqual([
      ...ranges.map(({ from }) => from),
      await readPosition(),
    ]);
    const guests = await Promise.all(repeat(10, (n) => filler.idOf('users', 'username', guest(n))));
    expect(new Set(ranges.flatMap(({ affected }) => affected))).toEqual(new Set(guests));
    expect(ranges.some(({ isDeleted }) => isDeleted)).toBe(false);
  });

  test('end with the range that tells of the deletion of the chat', async () => {
    const chatId = await idOf(chat);
    const from = await readPosition();
    expectSuccess(await alex.delete(`/api/chats/${chat}`));
    const to = { at: expect.any(Number) as number, seq: from.seq };
    expect(told).toEqual([{ chatId, from, to, hasChanges: false, affected: [], isDeleted: true }]);
  });
});

describe('after 7 days', () => {
  const old = () => now() - LOG_LIFETIME_US - 60 * SECOND_US;
  const young = () => now() - LOG_LIFETIME_US + 60 * SECOND_US;

  async function runJob(name: string): Promise<void> {
    const scheduler = files.server.app.get(Scheduler);
    scheduler.wake(name);
    await until(`${name} to end`, () => scheduler['running'].size === 0 || undefined);
  }

  test('changes go, and younger ones stay', async () => {
    await update(alex, { name: 'New' });
    await remove(sam, sam);
    const chatId = await idOf(chat);
    const age = 'UPDATE chat_changes SET at = ? WHERE chat_id = ? AND type = ?';
    await filler.query(age, [old(), chatId, 'chat.created']);
    await filler.query(age, [young(), chatId, 'chat.updated']);
    await runJob('sweep of old changes');
    expect(await query('SELECT type FROM chat_changes WHERE chat_id = ? ORDER BY at', chatId)).toEqual([
      { type: 'chat.updated' },
      { type: 'member.left' },
    ]);
  });

  test('a deleted chat is forgotten with its members, and younger ones stay', async () => {
    const ids = [await idOf(chat), await idOf(room.chat)];
    for (const uuid of [chat, room.chat]) expectSuccess(await alex.delete(`/api/chats/${uuid}`));
    const age = 'UPDATE deleted_chats SET deleted_at = ? WHERE chat_id = ?';
    await filler.query(age, [old(), ids[0]]);
    await filler.query(age, [young(), ids[1]]);
    await runJob('sweep of deleted chats');
    const chatsIn = (table: string) => query(`SELECT chat_id FROM ${table} WHERE chat_id IN (?, ?)`, ...ids);
    expect(await chatsIn('deleted_chats')).toEqual([{ chat_id: ids[1] }]);
    expect(await chatsIn('members')).toEqual([{ chat_id: ids[1] }, { chat_id: ids[1] }]);
  });
});
