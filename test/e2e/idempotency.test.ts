import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Reader, UnitOfWork } from '#src/database/unit-of-work.js';
import { findViolations } from '../support/invariants.js';
import { CONFLICT, errorOf, isReplayed, replayOf, seen, textOf, under } from '../support/keyed.js';
import type { Answer, Json, Member } from '../support/parley.js';
import { removalsDone } from '../support/removals.js';
import { createRoom, join, leave, type TestRoom } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';

const DAY_US = 86_400_000_000;

let server: TestServer;
let alex: Member;
let sam: Member;
let chat: string;
let room: TestRoom;
let key: string;
let count = 0;

beforeAll(async () => {
  server = await startServer();
  alex = await server.parley.signUp('alex');
  sam = await server.parley.signUp('sam');
});

afterAll(() => server.close());

beforeEach(async () => {
  count += 1;
  key = `key-${count}`;
  chat = await alex.createChat([sam]);
  room = await createRoom(alex, `room ${count}`);
});

afterEach(async () => {
  expect(await findViolations(server)).toEqual({});
});

const TEXT = { type: 'message', message: 'hello' };

const send = (by: Member, json: Json = TEXT, to = chat, withKey = key) =>
  by.post(`/api/chats/${to}/messages`, json, under(withKey));
const sendToRoom = (by: Member, message = 'hello', to = room) =>
  by.post('/api/send_room_message', { room_id: to.id, message }, under(key));
const create = (by: Member, changes: Json = {}) =>
  by.post('/api/chats', { name: 'Chat', users: ['sam'], message: 'first', ...changes }, under(key));

const textsIn = (of: string) => alex.texts(of, '?per_page=1000');
const countChats = async () => (await alex.get('/api/chats')).body.data.length as number;

const keptKeys = () =>
  server.app
    .get(Reader)
    .query<{ key_text: string }>('SELECT * FROM idempotency_keys WHERE key_text = ?', [key]);

/** Makes the key look as if it had been used first some time ago. */
const makeOlder = (microseconds: number) =>
  server.app
    .get(UnitOfWork)
    .run((tx) =>
      tx.execute('UPDATE idempotency_keys SET created_at = created_at - ? WHERE key_text = ?', [
        microseconds,
        key,
      ]),
    );

interface Operation {
  name: string;
  call: () => Promise<Answer>;
  /** The same operation with other fields. */
  other: () => Promise<Answer>;
  /** Counts what the operation has done. */
  effects: () => Promise<number>;
}

const sendOf = (name: string, json: Json, other: Json): Operation => ({
  name,
  call: () => send(alex, json),
  other: () => send(alex, other),
  effects: async () => (await textsIn(chat)).length - 1,
});

const OPERATIONS: Operation[] = [
  sendOf('a text', TEXT, { ...TEXT, message: 'bye' }),
  sendOf('an image', { type: 'image', message: 'sky' }, { type: 'image', message: 'sea' }),
  sendOf('a file', { type: 'file', filename: 'a.txt' }, { type: 'file', filename: 'b.txt' }),
  {
    name: 'a message to a room',
    call: () => sendToRoom(alex),
    other: () => sendToRoom(alex, 'bye'),
    effects: async () => (await textsIn(room.chat)).length,
  },
  {
    name: 'a new chat',
    call: () => create(alex, { name: key }),
    other: () => create(alex, { name: key, users: ['alex', 'sam'] }),
    effects: async () => {
      const { data } = (await alex.get('/api/chats')).body;
      return data.filter(({ name }: Json) => name === key).length;
    },
  },
];

describe.each(OPERATIONS)('$name under a key', ({ call, other, effects }) => {
  test('has one effect and one answer, however often it is repeated', async () => {
    const first = await call();
    expect(seen(first)).toEqual({ status: 200, replayed: null, text: textOf(first) });
    for (const _ of ['once', 'twice']) expect(seen(await call())).toEqual(replayOf(first));
    expect(await effects()).toBe(1);
  });

  test('is one of fifty at once, and the others get its answer', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, call));
    const [first, ...others] = answers.filter((answer) => !isReplayed(answer));
    expect(others).toEqual([]);
    expect(new Set(answers.map((answer) => `${answer.status} ${textOf(answer)}`))).toEqual(
      new Set([`200 ${textOf(first)}`]),
    );
    expect(await effects()).toBe(1);
  });

  test('refuses other fields under the same key', async () => {
    const first = await call();
    expect(errorOf(await other())).toEqual(CONFLICT);
    expect(seen(await call())).toEqual(replayOf(first));
    expect(await effects()).toBe(1);
  });

  test('refuses a bad key', async () => {
    for (const bad of ['', ' ', 'a b', 'a\tb', 'é', 'x'.repeat(256)]) {
      key = bad;
      const { status, body } = await call();
      expect({ status, code: body.code, field: body.field }, bad).toEqual({
        status: 400,
        code: 'invalid_field',
        field: 'Idempotency-Key',
      });
    }
    expect(await effects()).toBe(0);
  });

  test('may act again after 24 hours, and not before', async () => {
    const first = await call();
    await makeOlder(DAY_US - 60_000_000);
    expect(seen(await call())).toEqual(replayOf(first));
    await makeOlder(60_000_000);
    const second = await call();
    expect(isReplayed(second)).toBe(false);
    expect(seen(await call())).toEqual(replayOf(second));
    expect(await effects()).toBe(2);
  });
});

test.each(['!', '~', '"quoted"', `${'x'.repeat(254)}y`])('%j is a key', async (good) => {
  key = good;
  const first = await send(alex);
  expect(seen(await send(alex))).toEqual(replayOf(first));
});

test('keys that differ in a single character are different keys', async () => {
  for (const one of ['case', 'CASE', 'case.', 'x'.repeat(255), 'x'.repeat(254)]) {
    expect(isReplayed(await send(alex, TEXT, chat, one))).toBe(false);
  }
  expect(await textsIn(chat)).toHaveLength(6);
});

test('requests without a key act each time and keep no answer', async () => {
  const before = await server.app.get(Reader).query('SELECT * FROM idempotency_keys');
  for (const _ of ['once', 'again']) {
    expect(isReplayed(await alex.post(`/api/chats/${chat}/messages`, TEXT))).toBe(false);
  }
  expect(await textsIn(chat)).toEqual(['first', 'hello', 'hello']);
  expect(await server.app.get(Reader).query('SELECT * FROM idempotency_keys')).toEqual(before);
});

test('a repeat is the first answer byte for byte', async () => {
  const headers = { authorization: alex.token, 'content-type': 'application/json', ...under(key).headers };
  const post = (body: string) =>
    fetch(`${server.url}/api/chats/${chat}/messages`, { method: 'POST', headers, body });
  const [first, repeat] = [
    await post('{"type":"file","filename":"a.txt"}'),
    await post('{"filename":"\\u0061.txt", "type":"file"}'),
  ];
  expect(repeat.headers.get('idempotency-replayed')).toBe('true');
  expect(await repeat.text()).toBe(await first.text());
});

test('two keys in one request are a bad key', async () => {
  const headers = new Headers({ authorization: alex.token, 'content-type': 'application/json' });
  for (const one of ['one', 'two']) headers.append('idempotency-key', one);
  const init = { method: 'POST', headers, body: JSON.stringify(TEXT) };
  expect((await fetch(`${server.url}/api/chats/${chat}/messages`, init)).status).toBe(400);
});

test('two users with the same key do not meet', async () => {
  const first = await send(alex);
  const [sams, alexs] = [await send(sam, { ...TEXT, message: 'hi' }), await send(alex)];
  expect(isReplayed(sams)).toBe(false);
  expect(sams.body.data.index).toBe(2);
  expect(seen(alexs)).toEqual(replayOf(first));
  expect(await textsIn(chat)).toEqual(['first', 'hello', 'hi']);
});

test('one user with the same key at once in two chats acts in one of them', async () => {
  const other = await alex.createChat([sam]);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => send(alex, TEXT, n % 2 ? chat : other)),
  );
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  expect(statuses).toEqual([...Array(10).fill(200), ...Array(10).fill(422)]);
  expect(answers.filter((answer) => answer.status === 200 && !isReplayed(answer))).toHaveLength(1);
  expect([...(await textsIn(chat)), ...(await textsIn(other))]).toHaveLength(3);
});

test('a key belongs to one operation', async () => {
  const { status } = await send(alex, TEXT, room.chat);
  expect(status).toBe(200);
  expect(errorOf(await sendToRoom(alex))).toEqual(CONFLICT);
  expect(errorOf(await create(alex))).toEqual(CONFLICT);
  expect(errorOf(await send(alex, { type: 'image', message: 'hello' }, room.chat))).toEqual(CONFLICT);
  expect(await textsIn(room.chat)).toEqual(['hello']);
});

test('fields that are ignored do not tell requests apart', async () => {
  const first = await send(alex, { type: 'file', filename: 'a.txt' });
  const repeat = await send(alex, { message: 'ignored', filename: 'a.txt', type: 'file', color: 'red' });
  expect(seen(repeat)).toEqual(replayOf(first));
});

describe('the order of checks', () => {
  const WRONG = { type: 'message', message: '' };

  test('starts with the token and the membership, for a bad key and for a repeat', async () => {
    await send(sam);
    await sam.put(`/api/chats/${chat}`, { mode: 'delete', user: 'sam' });
    expect(errorOf(await send(sam))).toEqual({ status: 403, code: 'not_a_member' });
    expect(errorOf(await send(sam, TEXT, chat, 'a b'))).toEqual({ status: 403, code: 'not_a_member' });
    const path = `/api/chats/${chat}/messages`;
    expect(errorOf(await server.parley.post(path, TEXT, under(key)))).toMatchObject({ status: 401 });
    expect(await textsIn(chat)).toEqual(['first', 'hello']);
  });

  test('is the same in a room', async () => {
    await join(sam, room);
    await sendToRoom(sam);
    await leave(sam, room);
    expect(errorOf(await sendToRoom(sam))).toEqual({ status: 403, code: 'not_a_member' });
  });

  test('has a bad field before the conflict', async () => {
    await send(alex);
    expect(errorOf(await send(alex, WRONG))).toEqual({ status: 400, code: 'invalid_field' });
    expect(errorOf(await create(alex, { users: ['nobody'] }))).toEqual({
      status: 400,
      code: 'user_not_found',
    });
    expect(errorOf(await create(alex))).toEqual(CONFLICT);
  });

  test('has a deleted chat before the repeat', async () => {
    await send(alex);
    await alex.delete(`/api/chats/${chat}`);
    expect(errorOf(await send(alex))).toEqual({ status: 400, code: 'chat_not_found' });
  });
});

test('a failed call leaves its key unused', async () => {
  const before = await countChats();
  expect(errorOf(await create(alex, { users: ['nobody'] }))).toMatchObject({ status: 400 });
  const outsider = await server.parley.signUp(`outsider${count}`);
  expect((await send(outsider)).status).toBe(403);
  expect(await keptKeys()).toEqual([]);
  expect(seen(await create(alex))).toMatchObject({ status: 200, replayed: null });
  expect(await countChats()).toBe(before + 1);
});

test('a repeat returns the link of the file, to which one upload is possible', async () => {
  const first = await send(alex, { type: 'file', filename: 'a.txt' });
  const { url, uuid } = (await send(alex, { type: 'file', filename: 'a.txt' })).body.data;
  expect({ url, uuid }).toEqual({ url: `http://parley.test/api/files/${uuid}`, uuid: first.body.data.uuid });
});

test('a chat can be created again after a member of the first one is erased', async () => {
  const kim = await server.parley.signUp(`kim${count}`);
  const first = await create(alex, { users: [kim.username] });
  await kim.delete(`/api/users/${kim.username}`);
  expect(seen(await create(alex, { users: [kim.username] }))).toEqual(replayOf(first));
});

test('a repeat after the message was edited and deleted is the first answer', async () => {
  const first = await send(alex);
  const message = `/api/chats/${chat}/messages/${first.body.data.index}`;
  await alex.put(message, { message: 'edited' });
  expect(seen(await send(alex))).toEqual(replayOf(first));
  await alex.delete(message);
  expect(seen(await send(alex))).toEqual(replayOf(first));
  expect(await textsIn(chat)).toEqual(['first']);
});

test('erasing a user deletes the keys', async () => {
  const kim = await server.parley.signUp(`kim${count}`);
  await create(kim);
  expect(await keptKeys()).toHaveLength(1);
  expect((await kim.delete(`/api/users/${kim.username}`)).status).toBe(200);
  await removalsDone(server);
  expect(await keptKeys()).toEqual([]);
});

test('users who are erased while they send leave no key', async () => {
  const crowd = await Promise.all(
    Array.from({ length: 5 }, (_, n) => server.parley.signUp(`crowd${count}.${n}`)),
  );
  const shared = await alex.createChat(crowd);
  await Promise.all(
    crowd.flatMap((member) => [
      ...Array.from({ length: 10 }, (_, n) => send(member, TEXT, shared, `${key}.${n}`)),
      member.delete(`/api/users/${member.username}`),
    ]),
  );
  expect(await textsIn(shared)).toEqual(['first']);
  await removalsDone(server);
  const sql = 'SELECT * FROM idempotency_keys WHERE key_text LIKE ?';
  expect(await server.app.get(Reader).query(sql, [`${key}.%`])).toEqual([]);
});

test('the table holds a digest and the answer, and no text of the message', async () => {
  await send(alex, { type: 'image', message: 'a secret caption' });
  const [row] = await keptKeys();
  expect(row).toMatchObject({ digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(JSON.stringify(row)).not.toContain('secret');
});

test('the document describes the key of exactly the routes that take one', async () => {
  const { paths } = (await server.parley.get('/api/docs-json')).body;
  const operations = Object.entries<Json>(paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  );
  const taking = operations.filter(({ operation }) =>
    operation.parameters?.some(({ name }: Json) => name === 'Idempotency-Key'),
  );
  expect(taking.map(({ name }) => name).toSorted()).toEqual([
    'post /api/chats',
    'post /api/chats/{chat}/messages',
    'post /api/send_room_message',
  ]);
  for (const { name, operation } of taking) {
    expect(operation.responses['200'].headers, name).toHaveProperty('Idempotency-Replayed');
    expect(operation.responses['422'].content['application/json'].examples, name).toHaveProperty(
      'idempotency_conflict',
    );
  }
});
