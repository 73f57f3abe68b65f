import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BAD_BODIES } from '../support/chat-routes.js';
import type { Json, Member } from '../support/parley.js';
import { errorAnswer, UNKNOWN_MESSAGE } from '../support/error-answer.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
let alex: Member;
let sam: Member;
let kim: Member;

beforeAll(async () => {
  server = await startServer();
  alex = await server.parley.signUp('alex', { name: 'Alex' });
  sam = await server.parley.signUp('sam', { name: 'Sam' });
  kim = await server.parley.signUp('kim', { name: 'Kim' });
});

afterAll(() => server.close());

const SUCCESS = expect.objectContaining({ status: 200, body: { status: 'success' } }) as unknown;
const NOT_THE_SENDER = errorAnswer(403, 'not allowed to modify messages of other users');
const MAY_NOT_DELETE = errorAnswer(403, 'not allowed to delete messages of other users');

/** The largest integer that a query or path parameter may hold. */
const LARGEST = '9007199254740991';

/** Texts that JavaScript or a database might parse as a number, but the API must refuse. */
const NOT_NUMBERS = [
  '',
  '01',
  '00',
  '-0',
  '-1',
  '+1',
  '%2B1',
  '1e3',
  '1.0',
  '1.',
  '0x1',
  '%201',
  '1%20',
  '1%0A',
  '1%00',
  '1,000',
  '1_000',
  'NaN',
  'Infinity',
  'null',
  '%D9%A1',
  '9007199254740992',
  '9007199254740993',
  '99999999999999999999',
];

const send = (as: Member, chat: string, fields: unknown) => as.post(`/api/chats/${chat}/messages`, fields);
const edit = (as: Member, chat: string, index: number | string, message: unknown) =>
  as.put(`/api/chats/${chat}/messages/${index}`, { message });
const deleteMessage = (as: Member, chat: string, index: number | string) =>
  as.delete(`/api/chats/${chat}/messages/${index}`);
const read = (as: Member, chat: string, index: number | string) =>
  as.get(`/api/chats/${chat}/messages/${index}`);

async function indices(as: Member, chat: string, query = ''): Promise<number[]> {
  const { messages } = await as.list(chat, query);
  return messages.map(({ index }: Json) => index);
}

/** Creates a chat of alex and sam with messages 0 to `count` − 1. The text of each message is its index. */
async function createChatOf(count: number): Promise<string> {
  const chat = await alex.createChat([sam], { message: '0' });
  for (let index = 1; index < count; index += 1) await sam.send(chat, String(index));
  return chat;
}

/** Returns the response body as text, because `JSON.parse` would round timestamps. */
async function rawText(as: Member, path: string, body?: unknown): Promise<string> {
  const response = await fetch(server.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: as.token, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return response.text();
}

/** Returns all values of a field exactly as they are written in JSON text. */
const rawValues = (field: string, json: string) =>
  [...json.matchAll(new RegExp(`"${field}":([^,}\\]]*)`, 'g'))].map(([, value]) => value);

describe('sending', () => {
  test('returns index and timestamp; other members can read the message', async () => {
    const chat = await alex.createChat([sam]);
    const { status, body } = await send(sam, chat, { type: 'message', message: 'hello' });
    expect(status).toBe(200);
    expect(body).toEqual({ status: 'success', data: { index: 1, timestamp: expect.any(Number) } });

    expect((await alex.list(chat)).messages[1]).toEqual({
      index: 1,
      type: 'message',
      sender: sam.user,
      message: 'hello',
      file: null,
      timestamp: body.data.timestamp,
      edited: null,
    });
  });

  test('counts indexes from 0 in each chat, across all senders', async () => {
    const [one, two] = [await alex.createChat([sam]), await alex.createChat([sam])];
    expect(await sam.send(one, 'a')).toBe(1);
    expect(await alex.send(two, 'b')).toBe(1);
    expect(await alex.send(one, 'c')).toBe(2);
    expect(await indices(sam, one)).toEqual([0, 1, 2]);
    expect(await indices(sam, two)).toEqual([0, 1]);
  });

  test('ignores unknown fields', async () => {
    const chat = await alex.createChat([sam]);
    const forged = { index: 7, timestamp: 1, edited: 1, sender: { username: 'alex' }, file: 'x' };
    await send(sam, chat, { type: 'message', message: 'mine', ...forged });
    expect((await read(alex, chat, 1)).body).toMatchObject({ index: 1, sender: sam.user, edited: null });
  });

  test.each([
    ['surrounding spaces', '  padded\t '],
    ['line breaks', '\r\nfirst\r\nsecond\n'],
    ['emoji', '😀😁👩‍👩‍👧‍👦🏳️‍🌈'],
    ['composed and decomposed letters', 'é e\u0301 ﬃ ı İ ß'],
    ['Arabic and Hebrew with direction marks', '\u202eشلام שלום\u202c\u200f'],
    ['zero-width characters', '\u200b\u200d\u2060'],
    ['the first and last code points', '\u0001 \u{10FFFF} \ufffe \uffff \ud7ff \ue000'],
    ['control characters', '\u0007\u001b[31m\u007f'],
    ['quotes and backslashes', `\\'"\`\\0\\n%_'; DROP TABLE messages; --`],
    ['a placeholder', '? :name $1 ${x} {{x}}'],
    ['text that looks like JSON', '{"__proto__":{"message":null}}'],
    ['HTML', '<script>alert(1)</script>&amp;'],
    ['digits', '007'],
  ])('stores %s byte for byte', async (_, text) => {
    const chat = await alex.createChat([sam]);
    await sam.send(chat, text);
    expect((await read(alex, chat, 1)).body.message).toBe(text);
    expect(await alex.texts(chat)).toEqual(['first', text]);
    expect((await alex.describeChat(chat)).messages[0].message).toBe(text);
  });

  test.each([
    ['1 letter', 'x'],
    ['1 emoji', '😀'],
    ['16,383 letters', 'x'.repeat(16_383)],
    ['16,383 emoji', '😀'.repeat(16_383)],
    ['16,382 spaces and a letter', `${' '.repeat(16_382)}x`],
  ])('accepts %s, in an edit too', async (_, text) => {
    const chat = await alex.createChat([sam], { message: text });
    await sam.send(chat, text);
    expect(await edit(sam, chat, 1, text)).toEqual(SUCCESS);
    expect(await alex.texts(chat)).toEqual([text, text]);
  });

  const INVALID_TEXTS: [string, unknown][] = [
    ['no text', undefined],
    ['an empty text', ''],
    ['16,384 letters', 'x'.repeat(16_384)],
    ['16,384 emoji', '😀'.repeat(16_384)],
    ['only spaces', '   '],
    ['only line breaks', '\r\n\t\v\f'],
    ['only no-break spaces', '\u00a0\u202f'],
    ['only wide spaces', '\u2003\u3000'],
    ['only line and paragraph separators', '\u2028\u2029\u0085'],
    ['only an Ogham space', '\u1680'],
    ['only a byte order mark', '\ufeff'],
    ['a number', 5],
    ['true', true],
    ['null', null],
    ['a list', ['text']],
    ['an object', { text: 'text' }],
    ['a text with NUL', 'a\0b'],
    ['a text with an unpaired high surrogate', 'a\ud83d'],
    ['a text with an unpaired low surrogate', '\ude00b'],
  ];
  test.each(INVALID_TEXTS)('refuses %s, in an edit too, and changes nothing', async (_, message) => {
    const chat = await alex.createChat([sam]);
    const before = await alex.list(chat);
    expect(await send(alex, chat, { type: 'message', message })).toEqual(errorAnswer(400, /'message'/));
    expect(await edit(alex, chat, 0, message)).toEqual(errorAnswer(400, /'message'/));
    expect(await alex.list(chat)).toEqual(before);
    expect(await alex.send(chat, 'next')).toBe(1);
  });

  test.each([[undefined], [null], [5], [''], ['Message'], ['video'], [['message']]])(
    'refuses the type %j',
    async (type) => {
      const chat = await alex.createChat([sam]);
      expect(await send(alex, chat, { type, message: 'text' })).toEqual(errorAnswer(400, /'type'/));
      expect(await alex.texts(chat)).toEqual(['first']);
    },
  );

  test.each(Object.entries(BAD_BODIES))('refuses %s, in an edit too', async (_, options) => {
    const path = `/api/chats/${await alex.createChat([sam])}/messages`;
    const request = { token: alex.token, ...options };
    expect(await server.parley.request('POST', path, request)).toEqual(errorAnswer(400));
    expect(await server.parley.request('PUT', `${path}/0`, request)).toEqual(errorAnswer(400));
  });
});

describe('timestamps', () => {
  test('are nanoseconds since 1970', async () => {
    const chat = await alex.createChat([sam]);
    const { messages } = await alex.list(chat);
    const minutes = Math.abs(messages[0].timestamp / 1e6 - Date.now()) / 60_000;
    expect(minutes).toBeLessThan(5);
  });

  test('increase by at least 1,000 ns per message in the JSON text, and stay distinct as doubles', async () => {
    const chat = await alex.createChat([sam]);
    const sends = Array.from({ length: 100 }, (_, n) => (n % 2 ? alex : sam).send(chat, String(n)));
    await Promise.all(sends);

    const json = await rawText(alex, `/api/chats/${chat}/messages?per_page=1000`);
    const timestamps = rawValues('timestamp', json);
    expect(timestamps).toHaveLength(101);
    for (const timestamp of timestamps) expect(timestamp).toMatch(/^[1-9]\d{18}$/);
    const steps = timestamps.slice(1).map((timestamp, n) => BigInt(timestamp) - BigInt(timestamps[n]));
    expect(steps.filter((step) => step < 1000n)).toEqual([]);
    const asDoubles = new Set(timestamps.map(Number));
    expect(asDoubles.size).toBe(101);
  });

  test('are equal in the send response, on a page, in the single message and in the chat', async () => {
    const chat = await alex.createChat([sam]);
    const path = `/api/chats/${chat}`;
    const sent = await rawText(sam, `${path}/messages`, { type: 'message', message: 'second' });
    const [timestamp] = rawValues('timestamp', sent);
    const seen = [`${path}/messages?after=0`, `${path}/messages/1`, path].map((url) => rawText(alex, url));
    for (const json of await Promise.all(seen)) expect(rawValues('timestamp', json)).toEqual([timestamp]);
  });
});

describe('reading pages', () => {
  test('returns page 0 with up to 100 messages, oldest first, by default', async () => {
    const chat = await alex.createChat([sam], { message: '0' });
    await Promise.all(Array.from({ length: 104 }, () => sam.send(chat, 'more')));
    const first = await alex.list(chat);
    expect(first).toMatchObject({ page: 0, perPage: 100 });
    expect(first.messages.map(({ index }: Json) => index)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(await indices(alex, chat, '?page=1')).toEqual([100, 101, 102, 103, 104]);
    expect(await indices(alex, chat, '?per_page=1000')).toHaveLength(105);
  });

  test('returns page and perPage as numbers', async () => {
    const chat = await createChatOf(3);
    expect(await alex.list(chat, '?page=1&per_page=2')).toEqual({
      messages: [expect.objectContaining({ index: 2, message: '2' })],
      page: 1,
      perPage: 2,
    });
    expect(await alex.list(chat, '?page=7')).toEqual({ messages: [], page: 7, perPage: 100 });
  });

  test.each([
    ['?per_page=3', [0, 1, 2]],
    ['?per_page=3&page=0', [0, 1, 2]],
    ['?per_page=3&page=2', [6, 7, 8]],
    ['?per_page=3&page=3', [9]],
    ['?per_page=3&page=4', []],
    ['?per_page=10&page=1', []],
    ['?per_page=1&page=9', [9]],
    ['?per_page=3&order=asc', [0, 1, 2]],
    ['?per_page=3&order=desc', [9, 8, 7]],
    ['?per_page=3&page=1&order=desc', [6, 5, 4]],
    ['?per_page=3&page=3&order=desc', [0]],
    ['?per_page=3&page=4&order=desc', []],
    [`?page=${LARGEST}`, []],
    [`?page=${LARGEST}&per_page=1000`, []],
    [`?page=${LARGEST}&per_page=1000&order=desc`, []],
    ['?per_page=3&before=5', [2, 3, 4]],
    ['?per_page=3&before=5&order=asc', [2, 3, 4]],
    ['?per_page=3&before=5&order=desc', [4, 3, 2]],
    ['?per_page=3&after=5', [6, 7, 8]],
    ['?per_page=3&after=5&order=desc', [8, 7, 6]],
    ['?per_page=3&before=1', [0]],
    ['?per_page=3&after=8', [9]],
    ['?before=0', []],
    ['?before=0&order=desc', []],
    ['?after=9', []],
    ['?before=10&per_page=1', [9]],
    ['?per_page=2&before=1000', [8, 9]],
    [`?per_page=2&before=${LARGEST}`, [8, 9]],
    [`?after=${LARGEST}`, []],
  ])('of ten messages, %s returns %j', async (query, found) => {
    tenMessages ??= createChatOf(10);
    expect(await indices(sam, await tenMessages, query)).toEqual(found);
  });
  let tenMessages: Promise<string> | undefined;

  test.each([
    ['?per_page=3', [0, 1, 4]],
    ['?per_page=3&page=1', [5, 6, 8]],
    ['?per_page=3&page=2', []],
    ['?per_page=4&page=1', [6, 8]],
    ['?per_page=1&page=5', [8]],
    ['?per_page=1&page=6', []],
    ['?per_page=3&order=desc', [8, 6, 5]],
    ['?per_page=3&page=1&order=desc', [4, 1, 0]],
    ['?per_page=3&page=2&order=desc', []],
    ['?per_page=4&page=1&order=desc', [1, 0]],
    [`?page=${LARGEST}&per_page=1000`, []],
    ['?per_page=2&before=3', [0, 1]],
    ['?per_page=2&before=8', [5, 6]],
    ['?per_page=3&after=2', [4, 5, 6]],
    ['?per_page=3&after=2&order=desc', [6, 5, 4]],
    ['?after=8', []],
    ['?per_page=2&before=9&order=desc', [8, 6]],
  ])('of ten messages with 2, 3, 7 and 9 deleted, %s returns %j', async (query, found) => {
    gaps ??= createChatWithGaps();
    expect(await indices(alex, await gaps, query)).toEqual(found);
  });
  let gaps: Promise<string> | undefined;

  async function createChatWithGaps(): Promise<string> {
    const chat = await createChatOf(10);
    for (const index of [2, 3, 7, 9]) expect(await deleteMessage(alex, chat, index)).toEqual(SUCCESS);
    return chat;
  }

  test('does not count the messages of an erased user', async () => {
    const ghost = await server.parley.signUp('ghost');
    const chat = await alex.createChat([ghost], { message: '0' });
    for (const sender of [ghost, alex, ghost, ghost, alex]) await sender.send(chat, 'text');
    await ghost.delete('/api/users/ghost');
    expect(await indices(alex, chat, '?per_page=2')).toEqual([0, 2]);
    expect(await indices(alex, chat, '?per_page=2&page=1')).toEqual([5]);
    expect(await indices(alex, chat, '?per_page=2&page=1&order=desc')).toEqual([0]);
    expect(await indices(alex, chat, '?per_page=3&page=1')).toEqual([]);
    expect(await alex.send(chat, 'on and on')).toBe(6);
  });

  test('returns an empty page when all messages are deleted', async () => {
    const chat = await createChatOf(2);
    for (const index of [0, 1]) await deleteMessage(alex, chat, index);
    expect(await alex.list(chat)).toEqual({ messages: [], page: 0, perPage: 100 });
    expect(await alex.list(chat, '?after=0')).toEqual({ messages: [], perPage: 100 });
  });

  test.each(['?before=1', '?after=0', '?after=0&per_page=7&order=desc'])(
    'returns no page number for the cursor query %s',
    async (query) => {
      const chat = await createChatOf(2);
      const window = await alex.list(chat, query);
      expect(Object.keys(window).toSorted()).toEqual(['messages', 'perPage']);
      expect(window.perPage).toBe(query.includes('per_page=7') ? 7 : 100);
    },
  );

  test.each([
    ['?page=0&before=1', /'page'/],
    ['?page=0&after=1', /'page'/],
    ['?before=5&after=1', /'before'/],
    ['?page=0&before=5&after=1', /'page'/],
    ['?per_page=0', /'per_page'/],
    ['?per_page=1001', /'per_page'/],
    [`?per_page=${LARGEST}`, /'per_page'/],
    ['?order=', /'order'/],
    ['?order=DESC', /'order'/],
    ['?order=descending', /'order'/],
    ['?order=asc&order=asc', /'order'/],
    ['?page=1&page=1', /'page'/],
    ['?per_page=1&per_page=1', /'per_page'/],
    ['?before=1&before=1', /'before'/],
    ['?after=1&after=1', /'after'/],
  ])('refuses %s', async (query, reason) => {
    tenMessages ??= createChatOf(10);
    expect(await alex.get(`/api/chats/${await tenMessages}/messages${query}`)).toEqual(
      errorAnswer(400, reason),
    );
  });

  describe.each(['page', 'per_page', 'before', 'after'])('%s', (parameter) => {
    test.each(NOT_NUMBERS)("refuses '%s'", async (text) => {
      tenMessages ??= createChatOf(10);
      const answer = await alex.get(`/api/chats/${await tenMessages}/messages?${parameter}=${text}`);
      expect(answer).toEqual(errorAnswer(400, new RegExp(`'${parameter}'`)));
    });
  });

  test.each(['1', '1000'])('accepts per_page=%s', async (perPage) => {
    tenMessages ??= createChatOf(10);
    expect(await alex.list(await tenMessages, `?per_page=${perPage}`)).toMatchObject({
      perPage: Number(perPage),
    });
  });
});

describe('reading one message', () => {
  test('returns the message without an envelope', async () => {
    const chat = await alex.createChat([sam]);
    const { status, body } = await read(sam, chat, 0);
    expect(status).toBe(200);
    expect(body).toEqual({
      index: 0,
      type: 'message',
      sender: alex.user,
      message: 'first',
      file: null,
      timestamp: expect.any(Number),
      edited: null,
    });
    expect((await alex.list(chat)).messages).toEqual([body]);
  });

  test('does not find a message of another chat', async () => {
    await createChatOf(3);
    const chat = await alex.createChat([sam]);
    expect(await read(alex, chat, 1)).toEqual(UNKNOWN_MESSAGE);
  });
});

describe.each([
  ['GET', undefined],
  ['PUT', { message: 'text' }],
  ['DELETE', undefined],
])('%s /api/chats/{chat}/messages/{message}', (method, json) => {
  const call = (as: Member, chat: string, index: string) =>
    server.parley.request(method, `/api/chats/${chat}/messages/${index}`, { token: as.token, json });

  test.each(['1', LARGEST])('does not find message %s', async (index) => {
    const chat = await alex.createChat([sam]);
    expect(await call(alex, chat, index)).toEqual(UNKNOWN_MESSAGE);
  });

  test('does not find a deleted message', async () => {
    const chat = await alex.createChat([sam]);
    await deleteMessage(alex, chat, 0);
    expect(await call(alex, chat, '0')).toEqual(UNKNOWN_MESSAGE);
  });

  // The empty text is left out, because the path would belong to another route or to none.
  test.each(NOT_NUMBERS.filter((text) => text !== ''))("refuses the index '%s'", async (index) => {
    const chat = await alex.createChat([sam]);
    expect(await call(alex, chat, index)).toEqual(errorAnswer(400, /path parameter 'message'/));
    expect(await call(kim, chat, index)).toEqual(errorAnswer(400, /path parameter 'message'/));
  });
});

describe('editing', () => {
  test('replaces the text, keeps the timestamp and sets `edited`', async () => {
    const chat = await alex.createChat([sam]);
    const { body: before } = await read(sam, chat, 0);
    expect(await edit(alex, chat, 0, '  better 😀 ')).toEqual(SUCCESS);

    const { body: after } = await read(sam, chat, 0);
    expect(after).toEqual({ ...before, message: '  better 😀 ', edited: expect.any(Number) });
    expect(after.edited).toBeGreaterThan(before.timestamp);
    const json = await rawText(sam, `/api/chats/${chat}/messages/0`);
    expect(rawValues('edited', json)[0]).toMatch(/^[1-9]\d{18}$/);
    expect((await alex.list(chat)).messages).toEqual([after]);
    expect((await alex.describeChat(chat)).messages).toEqual([after]);
  });

  test('updates `edited` on each edit, even if the text stays the same', async () => {
    const chat = await alex.createChat([sam]);
    await edit(alex, chat, 0, 'better');
    const { body: once } = await read(alex, chat, 0);
    await edit(alex, chat, 0, 'better');
    const { body: twice } = await read(alex, chat, 0);
    expect(twice).toEqual({ ...once, edited: expect.any(Number) });
    expect(twice.edited).toBeGreaterThan(once.edited);
  });

  test('does not change other messages or the order', async () => {
    const chat = await createChatOf(3);
    const before = await alex.list(chat);
    await edit(sam, chat, 1, 'edited');
    const after = await alex.list(chat);
    expect(after.messages[1]).toMatchObject({ index: 1, message: 'edited' });
    expect([after.messages[0], after.messages[2]]).toEqual([before.messages[0], before.messages[2]]);
  });

  test('is allowed only for the sender, not for the owner', async () => {
    const chat = await alex.createChat([sam]);
    await sam.send(chat, 'mine');
    expect(await edit(alex, chat, 1, 'yours')).toEqual(NOT_THE_SENDER);
    expect(await edit(sam, chat, 0, 'yours')).toEqual(NOT_THE_SENDER);
    expect(await alex.texts(chat)).toEqual(['first', 'mine']);
  });

  test.each(Object.entries(BAD_BODIES))('refuses another member before it refuses %s', async (_, options) => {
    const chat = await alex.createChat([sam]);
    const path = `/api/chats/${chat}/messages/0`;
    const answer = await server.parley.request('PUT', path, { token: sam.token, ...options });
    expect(answer).toEqual(NOT_THE_SENDER);
  });

  test('is refused after the sender is removed, and allowed after the sender is added again', async () => {
    const chat = await alex.createChat([sam]);
    await sam.send(chat, 'mine');
    await alex.put(`/api/chats/${chat}`, { mode: 'delete', user: 'sam' });
    expect(await edit(sam, chat, 1, 'better')).toEqual(
      errorAnswer(403, 'user is not part of specified chat'),
    );
    await alex.put(`/api/chats/${chat}`, { mode: 'add', user: 'sam' });
    expect(await edit(sam, chat, 1, 'better')).toEqual(SUCCESS);
  });

  test('ignores unknown fields', async () => {
    const chat = await alex.createChat([sam]);
    const { body: before } = await read(alex, chat, 0);
    const forged = { message: 'better', type: 'file', timestamp: 1, index: 5 };
    await alex.put(`/api/chats/${chat}/messages/0`, forged);
    const { body: after } = await read(alex, chat, 0);
    expect(after).toMatchObject({ index: 0, type: 'message', timestamp: before.timestamp });
  });
});

describe('deleting', () => {
  test('is allowed for the sender', async () => {
    const chat = await alex.createChat([sam]);
    await sam.send(chat, 'mine');
    expect(await deleteMessage(sam, chat, 1)).toEqual(SUCCESS);
    expect(await alex.texts(chat)).toEqual(['first']);
  });

  test("is allowed for the chat's owner, for messages of any sender", async () => {
    const chat = await alex.createChat([sam]);
    await sam.send(chat, 'mine');
    expect(await deleteMessage(alex, chat, 1)).toEqual(SUCCESS);
    expect(await alex.texts(chat)).toEqual(['first']);
  });

  test('is refused for other members', async () => {
    const chat = await alex.createChat([sam, kim]);
    await kim.send(chat, 'by kim');
    expect(await deleteMessage(sam, chat, 0)).toEqual(MAY_NOT_DELETE);
    expect(await deleteMessage(sam, chat, 1)).toEqual(MAY_NOT_DELETE);
    expect(await alex.texts(chat)).toEqual(['first', 'by kim']);
  });

  test('is allowed for the new owner after the former owner has left', async () => {
    const chat = await alex.createChat([sam]);
    await alex.put(`/api/chats/${chat}`, { mode: 'delete', user: 'alex' });
    expect(await deleteMessage(sam, chat, 0)).toEqual(SUCCESS);
  });

  test('fails for a message that is already deleted', async () => {
    const chat = await createChatOf(3);
    expect(await deleteMessage(alex, chat, 1)).toEqual(SUCCESS);
    expect(await deleteMessage(alex, chat, 1)).toEqual(UNKNOWN_MESSAGE);
    expect(await indices(alex, chat)).toEqual([0, 2]);
  });

  test('does not renumber messages or reuse an index, not even the last one', async () => {
    const chat = await createChatOf(4);
    await deleteMessage(sam, chat, 1);
    await deleteMessage(sam, chat, 3);
    expect(await alex.send(chat, '4')).toBe(4);
    expect(await alex.texts(chat)).toEqual(['0', '2', '4']);
    expect(await indices(alex, chat)).toEqual([0, 2, 4]);
    for (const index of [0, 2, 4]) await deleteMessage(alex, chat, index);
    expect(await alex.send(chat, '5')).toBe(5);
  });
});
