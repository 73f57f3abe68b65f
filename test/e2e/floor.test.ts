import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withoutAdditions } from '../../bench/api.js';
import { openDatabase } from '../../bench/floor/database.js';
import { createFloor } from '../../bench/floor/server.js';
import type { Json, Member } from '../support/parley.js';
import { createTestDatabase, onMysql, startServer, type TestServer } from '../support/server.js';

/** The benchmark compares Parley with this: it must do the same work. */

let server: TestServer;
let floor: ReturnType<typeof createFloor>;
let floorUrl: string;
let alex: Member;
let sam: Member;
let kim: Member;
let chat: string;

beforeAll(async () => {
  const database = await createTestDatabase();
  server = await startServer({}, database);
  const url = onMysql ? database.url : `sqlite:${join(database.dataDir, 'parley.sqlite')}`;
  floor = createFloor(openDatabase(url), server.settings.jwtSecret);
  floorUrl = await floor.listen({ port: 0, host: '127.0.0.1' });
  alex = await server.parley.signUp('alex', { name: 'Älex "the first"' });
  sam = await server.parley.signUp('sam');
  kim = await server.parley.signUp('kim');
  chat = await alex.createChat([sam], { name: 'Chat \\ "quoted"', message: 'first 🎉 </script>\u2028' });
  for (let index = 1; index < 30; index += 1) await sam.send(chat, `message ${index} Ωμέγα`);
  await alex.createChat([sam, kim]);
});

afterAll(async () => {
  await floor.close();
  await server.close();
});

async function ask(url: string, path: string, token: string, json?: unknown) {
  const response = await fetch(url + path, {
    method: json === undefined ? 'GET' : 'POST',
    headers: {
      ...(token ? { authorization: token } : {}),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: json === undefined ? undefined : JSON.stringify(json),
  });
  const type = response.headers.get('content-type');
  return { status: response.status, type, text: withoutAdditions(await response.text()) };
}

const sendTo = (url: string, token: string, message: unknown) =>
  ask(url, `/api/chats/${chat}/messages`, token, { type: 'message', message });

describe('the floor gives the same bytes as Parley', () => {
  const messages = () => `/api/chats/${chat}/messages`;
  const PATHS: [string, () => string][] = [
    ['the first page', () => messages()],
    ['a page in the middle', () => `${messages()}?page=2&per_page=7`],
    ['a page past the end', () => `${messages()}?page=9`],
    ['the window before an index', () => `${messages()}?before=20&per_page=5`],
    ['the window after an index', () => `${messages()}?after=20&per_page=5`],
    ['one message', () => `${messages()}/0`],
    ['the list of chats', () => '/api/chats'],
  ];

  test.each(PATHS)('%s', async (_, path) => {
    expect(await ask(floorUrl, path(), alex.token)).toEqual(await ask(server.url, path(), alex.token));
  });

  test.each(PATHS)('%s, after an edit and a deletion', async (_, path) => {
    await sam.put(`${messages()}/3`, { message: 'edited' });
    await sam.delete(`${messages()}/4`);
    expect(await ask(floorUrl, path(), sam.token)).toEqual(await ask(server.url, path(), sam.token));
  });
});

test('messages sent by both stand in one order, with dense indices and increasing times', async () => {
  const first = await alex.send(chat, 'before');
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      sendTo(
        index % 2 === 0 ? floorUrl : server.url,
        index % 3 === 0 ? sam.token : alex.token,
        `at once ${index}`,
      ),
    ),
  );
  const sent = answers.map(({ text }) => JSON.parse(text).data as { index: number; timestamp: number });
  const sorted = sent.toSorted((a, b) => a.index - b.index);
  expect(sorted.map(({ index }) => index)).toEqual(sent.map((_, place) => first + 1 + place));
  expect(sorted.map(({ timestamp }) => timestamp)).toEqual(
    sent.map(({ timestamp }) => timestamp).toSorted((a, b) => a - b),
  );
  expect(new Set(sent.map(({ timestamp }) => timestamp)).size).toBe(20);
  const page = await alex.list(chat, `?after=${first}`);
  expect(page.messages.map(({ timestamp }: Json) => timestamp)).toEqual(sorted.map((one) => one.timestamp));
});

test('the floor accepts a token until its user logs out', async () => {
  const { username, password } = alex;
  const { text } = await ask(server.url, '/api/auth/login', '', { username, password });
  const { token } = JSON.parse(text).data as { token: string };
  expect((await ask(floorUrl, '/api/chats', `Bearer ${token}`)).status).toBe(200);
  await ask(server.url, '/api/auth/logout', token);
  expect((await ask(floorUrl, '/api/chats', token)).status).toBe(401);
});

describe('the floor refuses what Parley refuses', () => {
  const unknown = '3e17b51b-01db-4b20-b1f5-95fd054376b7';
  const REQUESTS: [string, () => [path: string, token: string, json?: unknown]][] = [
    ['no token', () => ['/api/chats', '']],
    [
      'a tampered token',
      () => ['/api/chats', alex.token.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))],
    ],
    ['an outsider', () => [`/api/chats/${chat}/messages`, kim.token]],
    [
      'an outsider who sends',
      () => [`/api/chats/${chat}/messages`, kim.token, { type: 'message', message: 'x' }],
    ],
    ['an unknown chat', () => [`/api/chats/${unknown}/messages`, alex.token]],
    ['an unknown message', () => [`/api/chats/${chat}/messages/9999`, alex.token]],
    ['an empty message', () => [`/api/chats/${chat}/messages`, alex.token, { type: 'message', message: '' }]],
    ['a page that is no number', () => [`/api/chats/${chat}/messages?page=x`, alex.token]],
  ];

  test.each(REQUESTS)('%s', async (_, request) => {
    const [path, token, json] = request();
    const { status } = await ask(server.url, path, token, json);
    expect(status).toBeGreaterThanOrEqual(400);
    expect((await ask(floorUrl, path, token, json)).status).toBe(status);
  });
});
