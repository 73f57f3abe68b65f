import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERROR_CODES, type ErrorCode, STATUS_OF } from '#src/errors/errors.js';
import { form } from '../support/forms.js';
import { signJwt } from '../support/jwt.js';
import { type Answer, digest, type Json, type Member } from '../support/parley.js';
import { createRoom, type TestRoom } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';

const NO_UUID = '3e17b51b-01db-4b20-b1f5-95fd054376b7';

/** Tested where their cause is: a failing server, database or disk, or the limits of a feature. */
const ELSEWHERE: ErrorCode[] = [
  'email_not_verified',
  'link_expired',
  'rate_limited',
  'internal',
  'unavailable',
  'storage_full',
];

/** Belong to features that do not exist yet; the list is closed, so clients can know them. */
const UNUSED: ErrorCode[] = ['registration_closed'];

let server: TestServer;
let alex: Member;
let sam: Member;
let chat: string;
let room: TestRoom;

beforeAll(async () => {
  server = await startServer();
  alex = await server.parley.signUp('alex');
  sam = await server.parley.signUp('sam');
  chat = await alex.createChat([]);
  room = await createRoom(alex, 'Secret', 'password');
});

afterAll(() => server.close());

const registration = (changes: object) => ({
  username: 'robin',
  password: digest('robin'),
  email: 'robin@example.com',
  name: 'Robin',
  ...changes,
});
const register = (changes: object) => server.parley.post('/api/users', registration(changes));
const sendFile = async (json: object): Promise<string> =>
  (await alex.post(`/api/chats/${chat}/messages`, json)).body.data.uuid;
const upload = (uuid: string, content: string) =>
  server.parley.request('POST', `/api/files/${uuid}`, { token: alex.token, ...form({ content }) });
const CHAT = { name: 'Chat', users: ['alex'], message: 'first' };
const FILE = { type: 'file', filename: 'a.txt' };

type Case = [code: ErrorCode, field: string | undefined, call: () => Promise<Answer>];

const CASES: Case[] = [
  ['malformed_request', undefined, () => alex.parley.post('/api/users', undefined, { raw: '{' })],
  ['invalid_field', 'name', () => alex.put('/api/users/alex', { name: '' })],
  ['invalid_field', 'chat', () => alex.get('/api/chats/5')],
  ['invalid_field', 'per_page', () => alex.get(`/api/chats/${chat}/messages?per_page=0`)],
  ['invalid_field', 'is_private', () => alex.post('/api/create_room', { room_name: 'a', is_private: true })],
  ['invalid_field', 'password', () => alex.post('/api/create_room', { room_name: 'a', is_private: 1 })],
  ['invalid_field', 'name', () => alex.post('/api/join_room', {})],
  ['user_not_found', undefined, () => alex.get('/api/users/nobody')],
  ['chat_not_found', undefined, () => alex.get(`/api/chats/${NO_UUID}`)],
  ['message_not_found', undefined, () => alex.get(`/api/chats/${chat}/messages/99`)],
  ['file_not_found', undefined, () => alex.get(`/api/files/${NO_UUID}`)],
  ['file_not_uploaded', undefined, async () => alex.get(`/api/files/${await sendFile(FILE)}`)],
  ['already_a_member', undefined, () => alex.put(`/api/chats/${chat}`, { mode: 'add', user: 'alex' })],
  ['not_in_chat', undefined, () => alex.put(`/api/chats/${chat}`, { mode: 'delete', user: 'sam' })],
  [
    'link_used',
    undefined,
    async () => {
      const uuid = await sendFile(FILE);
      await upload(uuid, 'first');
      return upload(uuid, 'second');
    },
  ],
  ['not_an_image', undefined, async () => upload(await sendFile({ type: 'image' }), 'text')],
  ['room_exists', undefined, () => alex.post('/api/create_room', { room_name: room.name })],
  ['token_missing', undefined, () => alex.parley.get('/api/chats')],
  ['token_missing', undefined, () => alex.parley.get('/api/rooms')],
  ['token_missing', undefined, () => alex.parley.post('/api/join_room', { name: 'a' })],
  ['token_invalid', undefined, () => alex.parley.get('/api/chats', { token: 'bad' })],
  ['token_invalid', undefined, () => alex.parley.get('/api/rooms', { token: 'bad' })],
  [
    'wrong_credentials',
    undefined,
    () => alex.parley.post('/api/auth/login', { username: 'alex', password: digest('wrong') }),
  ],
  ['not_a_member', undefined, () => sam.get(`/api/chats/${chat}`)],
  ['not_a_member', undefined, () => sam.post('/api/leave_room', { room_id: room.id })],
  ['not_allowed', undefined, () => sam.put('/api/users/alex', { name: 'Sam' })],
  ['password_required', undefined, () => sam.post('/api/join_room', { name: room.name })],
  ['wrong_password', undefined, () => sam.post('/api/join_room', { name: room.name, password: 'wrong' })],
  ['route_not_found', undefined, () => alex.get('/api/nope')],
  ['room_not_found', undefined, () => alex.post('/api/join_room', { name: 'Nowhere' })],
  ['method_not_allowed', undefined, () => alex.put('/api/chats', {})],
  ['username_taken', 'username', () => register({ username: 'Alex' })],
  ['email_taken', 'email', () => register({ email: 'ALEX@example.com' })],
  ['too_large', undefined, () => register({ name: 'x'.repeat(2_000_000) })],
  [
    'invalid_field',
    'Idempotency-Key',
    () => alex.post('/api/chats', CHAT, { headers: { 'idempotency-key': 'two words' } }),
  ],
  [
    'idempotency_conflict',
    undefined,
    async () => {
      const headers = { 'idempotency-key': 'key' };
      await alex.post('/api/chats', CHAT, { headers });
      return alex.post('/api/chats', { ...CHAT, name: 'Other' }, { headers });
    },
  ],
  [
    'range_not_satisfiable',
    undefined,
    async () => {
      const uuid = await sendFile(FILE);
      await upload(uuid, 'four');
      return alex.get(`/api/files/${uuid}`, { token: alex.token, headers: { range: 'bytes=4-' } });
    },
  ],
];

describe('the code', () => {
  test.each(CASES)('%s (field: %s)', async (code, field, call) => {
    const { body } = await call();
    expect({ code: body.code, field: body.field }).toEqual({ code, field });
  });

  test('list is closed and tested', () => {
    const tested = [...CASES.map(([code]) => code), ...ELSEWHERE, ...UNUSED];
    expect([...new Set(tested)].toSorted()).toEqual(ERROR_CODES.toSorted());
  });

  test('list of the document is the same', async () => {
    const { body } = await server.parley.get('/api/docs-json');
    expect(body.components.schemas.ErrorCode.enum).toEqual(Object.keys(STATUS_OF));
  });
});

test('two fields at fault are no single one', async () => {
  const { body } = await register({ username: '', email: 5 });
  expect(body.code).toBe('invalid_field');
  expect(body).not.toHaveProperty('field');
});

test('of many unknown users the first three are named', async () => {
  const users = ['alex', ...Array.from({ length: 999 }, (_, n) => `nobody${n}`)];
  const { body } = await alex.post('/api/chats', { name: 'a', users, message: 'b' });
  expect(body).toMatchObject({
    reason: "users 'nobody0', 'nobody1', 'nobody2' and 996 more do not exist",
    code: 'user_not_found',
  });
});

test.each(['x', '"', '\u0001', '😀', '\u0800'])(
  'an error body has at most 4 KiB, of %j too',
  async (text) => {
    const users = Array.from({ length: 3 }, (_, n) => text.repeat(12_000) + n);
    const { status, body } = await alex.post('/api/chats', { name: 'a', users, message: 'b' });
    expect(status).toBe(400);
    expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThanOrEqual(4096);
  },
);

test.each([null, 5, 'text', [1], true])('a token whose payload is %j is invalid', async (claims: Json) => {
  const { status, body } = await alex.parley.get('/api/chats', {
    token: signJwt(claims, server.settings.jwtSecret),
  });
  expect({ status, code: body.code }).toEqual({ status: 401, code: 'token_invalid' });
});

test('a token whose payload is no JSON is refused without the words of the parser', async () => {
  const [header, , signature] = alex.token.split('.');
  const token = [header, Buffer.from([0xff]).toString('base64url'), signature].join('.');
  const { body } = await alex.parley.get('/api/chats', { token });
  expect(body.reason).toBe('invalid token: malformed');
});

test.each(['/api/chats', '/api/nope', '/api/docs', '/api/rooms', '/api/chats/%ff'])(
  'the answer to %s carries x-request-id, each its own',
  async (path) => {
    const ids = [];
    for (let n = 0; n < 2; n++) ids.push((await alex.get(path)).headers.get('x-request-id'));
    expect(ids).toEqual([expect.stringMatching(/^[\w-]{36}$/), expect.stringMatching(/^[\w-]{36}$/)]);
    expect(ids[0]).not.toBe(ids[1]);
  },
);

test('times of rooms are microseconds without the noise of floating point', async () => {
  await alex.post('/api/send_room_message', { room_id: room.id, message: 'hello' });
  const { body } = await alex.get(`/api/get_room_messages?room_id=${room.id}`);
  const { rooms } = (await alex.get('/api/user_rooms')).body;
  for (const seconds of [body.messages[0].created_at, rooms[0].joined_at]) {
    expect(String(seconds)).toMatch(/^\d{10}(\.\d{1,6})?$/);
  }
});
