import { request as httpRequest } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ChatsService } from '#src/chats/chats.service.js';
import { RoomsService } from '#src/rooms/rooms.service.js';
import type { Member, RequestOptions } from '../support/parley.js';
import { createRoom, outcome, roomError } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
let alex: Member;

beforeAll(async () => {
  server = await startServer();
  alex = await server.parley.signUp('alex');
  await createRoom(alex, 'General Discussion');
});

afterAll(() => server.close());
afterEach(() => vi.restoreAllMocks());

const POSTS: [string, keyof RoomsService, object][] = [
  ['/api/join_room', 'join', { name: 'General Discussion' }],
  ['/api/create_room', 'create', { room_name: 'New' }],
  ['/api/leave_room', 'leave', { room_id: 1 }],
  ['/api/send_room_message', 'send', { room_id: 1, message: 'hello' }],
];
const GETS: [string, keyof RoomsService][] = [
  ['/api/rooms', 'list'],
  ['/api/user_rooms', 'listOwn'],
  ['/api/room_members/1', 'members'],
  ['/api/get_room_messages?room_id=1', 'listMessages'],
];
const ALL = [
  ...POSTS.map(([path]) => ['POST', path] as const),
  ...GETS.map(([path]) => ['GET', path] as const),
];

const JSON_TYPE = { 'content-type': 'application/json' };
const NO_JSON = roomError(400, "header 'Content-Type' must be 'application/json'");
const NO_ROUTE = roomError(404, 'route does not exist');

const wrongMethod = (allowed: string) => roomError(405, `method must be ${allowed}`);
const UNAUTHORIZED = roomError(401, 'unauthorized');

const FORM: RequestOptions = {
  raw: '--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nGeneral Discussion\r\n--x--\r\n',
  headers: { 'content-type': 'multipart/form-data; boundary=x' },
};

describe.each(POSTS)('POST %s answers in the dialect of the rooms to', (path, _, json) => {
  const post = async (raw: string | Uint8Array, headers: Record<string, string> = JSON_TYPE) =>
    outcome(await server.parley.request('POST', path, { token: alex.token, raw, headers }));

  test.each([
    ['a truncated object', '{"name": '],
    ['text that is not JSON', 'name=General'],
    ['text after the object', '{} {}'],
    ['a blank body', ' '],
  ])('%s', async (_fault, raw) => {
    expect(await post(raw)).toEqual(roomError(400, 'request body must be valid JSON'));
  });

  test.each(['[]', '[{"name":"General Discussion"}]', '"text"', '5', 'null', 'true'])(
    'JSON that is not an object: %s',
    async (raw) => {
      expect(await post(raw)).toEqual(roomError(400, 'request body must be a JSON object'));
    },
  );

  test('bytes that are not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(await post(bytes)).toEqual(roomError(400, 'request body must be UTF-8'));
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'application/xml', 'x'])(
    'content type %s',
    async (type) => {
      expect(await post(JSON.stringify(json), { 'content-type': type })).toEqual(NO_JSON);
    },
  );

  test('a multipart form', async () => {
    const answer = await server.parley.request('POST', path, { token: alex.token, ...FORM });
    expect(outcome(answer)).toEqual(NO_JSON);
  });

  test('a body that is too large', async () => {
    const raw = JSON.stringify({ ...json, padding: 'x'.repeat(1_100_000) });
    expect(await post(raw)).toEqual(roomError(413, 'request body is too large'));
  });

  test('any other method', async () => {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await server.parley.request(method, path, { token: alex.token });
      expect(outcome(answer)).toEqual(wrongMethod('POST'));
      expect(answer.headers.get('allow')).toBe('POST');
    }
  });
});

test.each(GETS)('GET %s returns 405 for other methods', async (path) => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    const answer = await server.parley.request(method, path, { token: alex.token, json: {} });
    expect(outcome(answer)).toEqual(wrongMethod('GET'));
  }
});

test.each(ALL)('%s %s checks the token before everything else', async (method, path) => {
  const raw = method === 'POST' ? '{' : undefined;
  for (const token of ['bad', 'Bearer bad', `${alex.token}x`]) {
    const answer = await server.parley.request(method, path, { token, raw, headers: raw ? JSON_TYPE : {} });
    expect(outcome(answer)).toEqual(UNAUTHORIZED);
  }
});

test.each(ALL)('%s %s reports a missing token', async (method, path) => {
  const expected = path === '/api/join_room' ? roomError(400, 'missing room name or token') : UNAUTHORIZED;
  expect(outcome(await server.parley.request(method, path))).toEqual(expected);
});

test.each([...POSTS, ...GETS])('%s hides internal errors', async (path, method, json?: object) => {
  vi.spyOn(server.app.get(RoomsService), method as 'list').mockRejectedValue(new Error('secret detail'));
  const answer = await server.parley.request(json ? 'POST' : 'GET', path, { token: alex.token, json });
  expect(outcome(answer)).toEqual(roomError(500, 'internal server error'));
  expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

test.each([
  '/api/rooms/x',
  '/api/rooms/1/messages',
  '/api/user_rooms/x',
  '/api/join_room/x',
  '/api/create_room/x',
  '/api/leave_room/1',
  '/api/room_members',
  '/api/room_members/1/2',
  '/api/send_room_message/1',
  '/api/get_room_messages/1',
])('%s is an unknown route of the rooms', async (path) => {
  for (const method of ['GET', 'POST']) {
    expect(outcome(await server.parley.request(method, path, { token: alex.token }))).toEqual(NO_ROUTE);
  }
});

test('a path that cannot be decoded is rejected in the dialect of the rooms', async () => {
  expect(outcome(await alex.get('/api/room_members/%ff'))).toEqual(
    roomError(400, 'request path must be valid percent-encoded UTF-8'),
  );
});

/** Sends the path unchanged, which `fetch` would normalise. */
function getRaw(path: string): Promise<{ status?: number; body: unknown }> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
    });
    request.on('error', reject).end();
  });
}

test.each([
  '/api/rooms',
  '/api/rooms?x=1',
  '/api/%72ooms',
  '/api/room%73?x',
  '/api/rooms#x',
  '/api/user%5Frooms',
])('%s is answered in the dialect of the rooms', async (path) => {
  expect(await getRaw(path)).toEqual(UNAUTHORIZED);
});

test.each([
  '/api/roomsx',
  '/api/rooms_other',
  '/api/room_membersx/1',
  '/api/xrooms',
  '/api/Rooms',
  '/api/join_rooms',
  '/rooms',
  '/api/chats/rooms/x',
  '/api/x/rooms',
  '/api/x?path=/api/rooms',
])('%s is an unknown route of the chat API', async (path) => {
  expect(outcome(await alex.get(path))).toEqual({
    status: 404,
    body: expect.objectContaining({ status: 'error', reason: 'route does not exist' }) as unknown,
  });
});

describe('the routes of the Chat App API keep their dialect', () => {
  test.each<[string, number, string, string, RequestOptions]>([
    ['bad JSON', 400, 'POST', '/api/auth/login', { raw: '{', headers: JSON_TYPE }],
    ['an unknown user', 400, 'GET', '/api/users/rooms', {}],
    ['a wrong method', 405, 'PATCH', '/api/users', {}],
    ['a bad uuid', 400, 'GET', '/api/files/rooms', {}],
    ['a bad token', 401, 'POST', '/api/chats', { token: 'bad', json: {} }],
    ['a multipart form', 400, 'POST', '/api/chats', FORM],
    ['a broken content type', 400, 'POST', '/api/chats', { raw: '{}', headers: { 'content-type': 'x' } }],
    ['a large body', 413, 'POST', '/api/users', { raw: 'x'.repeat(1_100_000), headers: JSON_TYPE }],
  ])('%s: %i', async (_, status, method, path, options) => {
    const answer = await server.parley.request(method, path, { token: alex.token, ...options });
    expect(outcome(answer)).toEqual({
      status,
      body: expect.objectContaining({ status: 'error', reason: expect.any(String) }) as unknown,
    });
  });

  test('an internal error', async () => {
    vi.spyOn(server.app.get(ChatsService), 'list').mockRejectedValue(new Error('secret detail'));
    expect(outcome(await alex.get('/api/chats'))).toEqual({
      status: 500,
      body: expect.objectContaining({ status: 'error', reason: 'internal server error' }) as unknown,
    });
  });
});
