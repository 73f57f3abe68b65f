import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Member } from '../support/parley.js';
import { errorAnswer } from '../support/error-answer.js';
import { startServer, type TestServer } from '../support/server.js';

const LONGEST = '😀'.repeat(10);
const TOO_LONG = '😀'.repeat(11);
const REFUSED = errorAnswer(400, "field 'message' must have 1 to 10 characters");

let server: TestServer;
let alex: Member;

beforeAll(async () => {
  server = await startServer({ maxMessageLength: 10 });
  alex = await server.parley.signUp('alex');
});

afterAll(() => server.close());

test('the first message of a chat may have up to MAX_MESSAGE_LENGTH characters', async () => {
  const chat = await alex.createChat([], { message: LONGEST });
  expect(await alex.texts(chat)).toEqual([LONGEST]);
  const { body: before } = await alex.get('/api/chats');
  expect(await alex.post('/api/chats', { name: 'Chat', users: ['alex'], message: TOO_LONG })).toEqual(
    REFUSED,
  );
  expect((await alex.get('/api/chats')).body).toEqual(before);
});

test('a sent or edited text may have up to MAX_MESSAGE_LENGTH characters', async () => {
  const chat = await alex.createChat([], { message: 'short' });
  const path = `/api/chats/${chat}/messages`;
  expect(await alex.send(chat, LONGEST)).toBe(1);
  expect(await alex.post(path, { type: 'message', message: TOO_LONG })).toEqual(REFUSED);
  expect((await alex.put(`${path}/0`, { message: LONGEST })).status).toBe(200);
  expect(await alex.put(`${path}/0`, { message: TOO_LONG })).toEqual(REFUSED);
  expect(await alex.texts(chat)).toEqual([LONGEST, LONGEST]);
});
