import { hashPassword, ParleyClient, ParleyError, type ErrorCode } from '@parley/client';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/free-port.js';
import { joinAs, openClient, PASSWORD } from '../support/parley-client.js';
import { digest } from '../support/parley.js';
import { startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.close());

/** Returns the error of a call that must fail. */
async function errorOf(call: Promise<unknown>): Promise<ParleyError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ParleyError);
  return error as ParleyError;
}

/** Starts a server that gives the same answer to everything. */
async function answering(status: number, headers: Record<string, string>, body: string): Promise<string> {
  const other = createServer((_request, response) => response.writeHead(status, headers).end(body));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  return `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
}

test.each(['', 'password', 'pässwörd 😀', 'x'.repeat(1000)])(
  'hashes the password %j as the reference wants',
  (password) => {
    expect(hashPassword(password)).toBe(digest(password));
  },
);

test('signs up, logs in in any case, goes on with a session, and logs out', async () => {
  const client = openClient({ url: `${server.url}/` });
  await client.signUp({ username: 'Alex', password: PASSWORD, email: 'alex@example.com', name: 'Alex K' });
  const session = await client.login('aLEX', PASSWORD);
  expect(session).toEqual({ token: expect.any(String), user: { username: 'Alex', name: 'Alex K' } });
  expect(client.session).toEqual(session);

  const other = openClient({ url: server.url, session });
  expect((await other.api.GET('/api/chats')).data.data).toEqual([]);
  other.connect();
  await until('events', () => other.connection === 'online' || undefined);
  await client.logout();
  expect(client.session).toBeUndefined();
  await until('the end of the other session', () => other.connection === 'refused' || undefined);
  expect(await errorOf(client.api.GET('/api/chats'))).toMatchObject({ code: 'token_missing', status: 401 });
  await expect(async () => client.send('chat', 'text')).rejects.toMatchObject({ code: 'token_missing' });
});

test('throws what the server refuses, in both dialects', async () => {
  const client = await joinAs('sam', server.url);
  const { api } = client;
  const calls: [() => Promise<unknown>, object][] = [
    [
      () => client.login('sam', 'wrong'),
      { code: 'wrong_credentials', status: 401, message: 'invalid username or password' },
    ],
    [
      () => client.signUp({ username: 'sam', password: PASSWORD, email: 'other@example.com', name: 'Sam' }),
      { code: 'username_taken', status: 409, field: 'username' },
    ],
    [
      () => api.POST('/api/chats', { body: { name: '', users: ['sam'], message: 'first' } }),
      { code: 'invalid_field', status: 400, field: 'name' },
    ],
    [
      () => api.POST('/api/join_room', { body: { name: 'Nowhere' } }),
      { code: 'room_not_found', status: 404, message: 'room not found' },
    ],
    [() => client.download('7c9e6679-7425-40de-944b-e07fc1f90ae7'), { code: 'file_not_found', status: 400 }],
  ];
  for (const [call, expected] of calls) expect(await errorOf(call())).toMatchObject(expected);
  const code: ErrorCode = (await errorOf(client.login('sam', 'wrong'))).code;
  expect(code).toBe('wrong_credentials');
});

test('a wrong password, or another token that is refused, ends no session', async () => {
  const client = await joinAs('robin', server.url);
  const states: string[] = [];
  client.connect();
  await until('events', () => client.connection === 'online' || undefined);
  client.on('connection', (state) => states.push(state));
  expect(await errorOf(client.login('robin', 'wrong'))).toMatchObject({ code: 'wrong_credentials' });
  const reset = client.api.POST('/api/auth/reset-password', {
    body: { password: hashPassword('new') },
    headers: { authorization: client.session!.token },
  });
  expect(await errorOf(reset)).toMatchObject({ code: 'token_invalid' });
  expect((await client.api.GET('/api/chats')).data.data).toEqual([]);
  expect(states).toEqual([]);
});

test('throws the same error for what is not an answer of Parley', async () => {
  const unreachable = openClient({ url: `http://127.0.0.1:${await freePort()}` });
  expect(await errorOf(unreachable.login('alex', PASSWORD))).toMatchObject({
    code: 'unavailable',
    status: 0,
  });

  const html = { 'content-type': 'text/html' };
  const cases: [number, Record<string, string>, object][] = [
    [502, html, { code: 'unavailable', status: 502, retryAfter: undefined }],
    [503, { ...html, 'retry-after': '7' }, { code: 'unavailable', status: 503, retryAfter: 7 }],
    [429, { 'retry-after': '2' }, { code: 'rate_limited', status: 429, retryAfter: 2 }],
    [413, html, { code: 'too_large', status: 413 }],
    [418, html, { code: 'malformed_request', status: 418 }],
    // The login page of a network.
    [200, html, { code: 'unavailable', status: 0 }],
    // It ends too early.
    [
      200,
      { 'content-type': 'application/json', 'content-length': '1000', connection: 'close' },
      { code: 'unavailable', status: 0 },
    ],
  ];
  for (const [status, headers, expected] of cases) {
    const client = openClient({ url: await answering(status, headers, '<h1>No</h1>') });
    const call = client.api.GET('/api/chats');
    expect(await errorOf(call), JSON.stringify(headers)).toMatchObject(expected);
  }
});

test('an aborted call throws the reason of its signal', async () => {
  const client = await joinAs('kim', server.url);
  await expect(client.api.GET('/api/chats', { signal: AbortSignal.abort('enough') })).rejects.toBe('enough');
});

test('calls are typed by the document', () => {
  const check = ({ api }: ParleyClient) => {
    // @ts-expect-error: the body is missing
    void api.POST('/api/chats');
    // @ts-expect-error: there is no such path
    void api.GET('/api/nothing');
    void api.GET('/api/chats').then(({ data }) => data.data[0].name);
    // @ts-expect-error: a chat has no such property
    void api.GET('/api/chats').then(({ data }) => data.data[0].title);
    // @ts-expect-error: the list of codes is closed
    const code: ErrorCode = 'no_such_code';
    return code;
  };
  expect(check).toBeTypeOf('function');
});
