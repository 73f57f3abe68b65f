import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { QueryFailedError } from 'typeorm';
import { ChatsService } from '#src/chats/chats.service.js';
import { DatabaseUnavailable } from '#src/database/driver-errors.js';
import { expectFailure, expectRawFailure } from '../support/failure.js';
import { digest, expectSuccess, type Member, type RequestOptions } from '../support/parley.js';
import { exchange, request } from '../support/raw-http.js';
import { ROUTES, wellFormed } from '../support/routes.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
let alex: Member;
let sam: Member;
let chat: string;

const JSON_TYPE = { 'content-type': 'application/json' };
const NOBODY = digest('the password of nobody');
const WRONG_TYPE = "header 'Content-Type' must be 'application/json'";

beforeAll(async () => {
  server = await startServer();
  alex = await server.parley.signUp('alex');
  sam = await server.parley.signUp('sam');
  chat = await alex.createChat([sam]);
});

afterEach(() => vi.restoreAllMocks());

afterAll(() => server.close());

const withToken = (more: Partial<Record<string, string>> = {}) => ({ Authorization: alex.token, ...more });

/** Sends bytes as the body of a new message, by default with the type `application/json`. */
const sendRaw = (raw: string | Uint8Array, headers: Record<string, string> = JSON_TYPE) =>
  server.parley.request('POST', `/api/chats/${chat}/messages`, { token: alex.token, raw, headers });

const credentialsOf = ({ username, name, password }: Member) => ({ username, name, password });

const expectAlive = async () => expectSuccess(await alex.get('/api/chats'));

describe('a body that is not a JSON object', () => {
  const notJson: [string, string | Uint8Array, RegExp][] = [
    ['an open bracket', '[', /JSON/],
    ['100,000 brackets', '['.repeat(100_000), /JSON/],
    ['100,000 nested arrays', '['.repeat(100_000) + ']'.repeat(100_000), /JSON object/],
    ['40,000 nested objects', '{"a":'.repeat(40_000) + '1' + '}'.repeat(40_000), /32 levels/],
    ['33 nested objects', '{"a":'.repeat(33) + '1' + '}'.repeat(33), /32 levels/],
    ['32 nested objects', '{"a":'.repeat(32) + '1' + '}'.repeat(32), /'type'/],
    ['a word', 'hello', /JSON/],
    ['a form', 'type=message&message=hello', /JSON/],
    ['two objects', '{}{}', /JSON/],
    ['a trailing comma', '{"type":"message","message":"a",}', /JSON/],
    ['single quotes', "{'type':'message'}", /JSON/],
    ['a raw line break in a string', '{"type":"message","message":"a\nb"}', /JSON/],
    ['NaN', '{"type":NaN}', /JSON/],
    ['white space', '  \r\n', /JSON/],
    ['null', 'null', /JSON object/],
    ['an array', '[]', /JSON object/],
    ['an array of one object', '[{"type":"message","message":"a"}]', /JSON object/],
    ['a string', '"type"', /JSON object/],
    ['a number', '17', /JSON object/],
    ['true', 'true', /JSON object/],
    ['an empty object', '{}', /'type' must be present/],
    ['a byte that is not UTF-8', Buffer.from('{"type":"message","message":"\xff"}', 'latin1'), /UTF-8/],
    ['an overlong NUL', Buffer.from('{"type":"message","message":"\xc0\x80"}', 'latin1'), /UTF-8/],
    ['a surrogate in UTF-8', Buffer.from('{"type":"message","message":"\xed\xa0\x80"}', 'latin1'), /UTF-8/],
    ['half a character', Buffer.from('{"type":"message","message":"é"}').subarray(0, -3), /UTF-8|JSON/],
    ['UTF-16', Buffer.from('{"type":"message","message":"a"}', 'utf16le'), /UTF-8|JSON/],
  ];

  test.each(notJson)('is rejected: %s', async (_, raw, reason) => {
    expect(expectFailure(await sendRaw(raw), 400)).toMatch(reason);
  });

  test('is rejected when it is missing, empty or of length 0', async () => {
    const path = `/api/chats/${chat}/messages`;
    for (const headers of [{}, JSON_TYPE, { ...JSON_TYPE, 'Content-Length': '0' }]) {
      const [answer] = await exchange(server.url, request('POST', path, { headers: withToken(headers) }));
      expectRawFailure(answer, 400);
    }
    expectFailure(await sendRaw(''), 400);
  });
});

describe('a body with special keys', () => {
  const hello = '"type":"message","message":"odd keys"';

  test.each([
    ['__proto__', `{${hello},"__proto__":{"polluted":true}}`],
    ['constructor', `{${hello},"constructor":{"prototype":{"polluted":true}}}`],
    ['constructor with a string', `{${hello},"constructor":"String"}`],
    ['toString, hasOwnProperty and valueOf', `{${hello},"toString":1,"hasOwnProperty":1,"valueOf":1}`],
    ['an escaped __proto__', `{${hello},"\\u005f_proto__":{"polluted":true}}`],
    ['the empty key', `{${hello},"":1}`],
    ['a duplicate key, of which the last counts', `{"message":5,${hello}}`],
    ['an unknown key with 31 nested arrays', `{${hello},"x":${'['.repeat(31)}${']'.repeat(31)}}`],
    [
      '__proto__ with 50,000 nested arrays',
      `{${hello},"__proto__":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
    ],
    ['a byte order mark in front', `\ufeff{${hello}}`],
  ])('is accepted without them: %s', async (_, raw) => {
    const { index } = expectSuccess(await sendRaw(raw)).data;
    expect((await alex.get(`/api/chats/${chat}/messages/${index}`)).body.message).toBe('odd keys');
    expect({}).not.toHaveProperty('polluted');
  });

  test.each([
    ['__proto__', '{"__proto__":{"name":"Evil"}}'],
    ['constructor', '{"constructor":{"name":"Evil"}}'],
    ['prototype', '{"prototype":{"name":"Evil"}}'],
  ])('does not read fields from %s', async (_, raw) => {
    const options = { token: alex.token, raw, headers: JSON_TYPE };
    expect(expectFailure(await server.parley.request('PUT', '/api/users/alex', options), 400)).toMatch(
      /'name'/,
    );
  });

  test('does not accept a field name in another case', async () => {
    expect(expectFailure(await sendRaw('{"Type":"message","Message":"a"}'), 400)).toMatch(/'type'/);
  });
});

describe('unknown fields are ignored', () => {
  test('when registering', async () => {
    const odd = { id: 1, verified: true, usernameKey: 'alex', createdAt: 0, role: 'admin' };
    const body = { username: 'odd', password: digest('odd'), email: 'odd@example.com', name: 'Odd', ...odd };
    expectSuccess(await server.parley.post('/api/users', body));
    const token = await server.parley.login('odd', digest('odd'));
    const { data } = expectSuccess(await server.parley.get('/api/users/odd', { token }));
    expect(data).toEqual({ name: 'Odd', username: 'odd', email: 'odd@example.com', verified: false });
  });

  test('when updating a user', async () => {
    expectSuccess(await sam.put('/api/users/sam', { name: 'sam', username: 'evil', verified: true, id: 1 }));
    const { data } = expectSuccess(await sam.get('/api/users/sam'));
    expect(data).toEqual({ ...sam.user, email: sam.email, verified: false });
  });

  test('when creating a chat', async () => {
    const uuid = '3e17b51b-01db-4b20-b1f5-95fd054376b7';
    const odd = { uuid, ownerId: 2, nextSeq: 77, messages: [], mode: 'delete', user: 'alex' };
    const body = { name: 'Odd', users: ['sam'], message: 'first', ...odd };
    const { data } = expectSuccess(await alex.post('/api/chats', body));
    expect(data.uuid).not.toBe(uuid);
    const { name, users, messages } = await alex.describeChat(data.uuid);
    expect({ name, users, index: messages[0].index }).toEqual({
      name: 'Odd',
      users: [alex.user, sam.user],
      index: 0,
    });
  });

  test('when sending a message', async () => {
    const odd = { index: 77, sender: 'sam', senderId: 2, timestamp: 5, edited: 5, file: { uuid: 'x' } };
    const body = { type: 'message', message: 'plain', ...odd };
    const { data } = expectSuccess(await alex.post(`/api/chats/${chat}/messages`, body));
    const message = (await alex.get(`/api/chats/${chat}/messages/${data.index}`)).body;
    expect(message).toEqual({
      ...data,
      type: 'message',
      sender: alex.user,
      message: 'plain',
      file: null,
      edited: null,
    });
  });

  test('in a query', async () => {
    expectSuccess(
      await alex.get(`/api/chats/${chat}/messages?page=0&foo=1&__proto__=2&constructor=3&a[b]=4`),
    );
  });
});

describe('the content type', () => {
  const hello = JSON.stringify({ type: 'message', message: 'typed' });

  test.each([
    'application/json',
    'application/json;charset=utf-8',
    'application/json; charset=latin1',
    'application/json; charset="utf-8"',
    'application/json ; charset=utf-8',
    'Application/JSON',
  ])('%j is accepted as JSON', async (type) => {
    expectSuccess(await sendRaw(Buffer.from(hello), { 'content-type': type }));
  });

  test.each([
    'text/plain',
    'text/plain; application/json',
    'text/json',
    'application/jsonx',
    'application/json-patch+json',
    'application/vnd.api+json',
    'application/json, text/plain',
    'application/json/x',
    'application / json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'application',
    'json',
    '/',
    ';',
    ',',
    '"',
    '*/*',
  ])('%j is rejected', async (type) => {
    expect(expectFailure(await sendRaw(Buffer.from(hello), { 'content-type': type }), 400)).toBe(WRONG_TYPE);
  });

  test('is required when there is a body', async () => {
    expect(expectFailure(await sendRaw(Buffer.from(hello), {}), 400)).toBe(WRONG_TYPE);
    const path = `/api/chats/${chat}/messages`;
    const [answer] = await exchange(
      server.url,
      request('POST', path, { headers: withToken({ 'Content-Type': '' }), body: hello }),
    );
    expect(expectRawFailure(answer, 400)).toBe(WRONG_TYPE);
  });

  test.each(['application/json', 'text/plain', 'multipart/form-data', 'application/jsonx', '/', ''])(
    '%j is ignored on GET and DELETE without a body',
    async (type) => {
      const index = await alex.send(chat, 'to be deleted');
      for (const [method, path] of [
        ['GET', '/api/chats'],
        ['DELETE', `/api/chats/${chat}/messages/${index}`],
      ]) {
        const [answer] = await exchange(
          server.url,
          request(method, path, { headers: withToken({ 'Content-Type': type }) }),
        );
        expect([answer.status, answer.body]).toEqual([200, expect.stringMatching(/^\{"status":"success"/)]);
      }
    },
  );

  test.each([
    ['JSON', JSON_TYPE, '{"page":5}'],
    ['broken JSON', JSON_TYPE, '{'],
    ['text', { 'content-type': 'text/plain' }, 'hello'],
    ['bytes without a type', {}, 'hello'],
    ['bytes with a malformed type', { 'content-type': ';;' }, 'hello'],
  ])('and the body of GET and DELETE are ignored or rejected: %s', async (_, headers, body) => {
    const index = await alex.send(chat, 'to be deleted');
    const more = { headers: withToken(headers), body };
    for (const [method, path] of [
      ['GET', '/api/chats'],
      ['DELETE', `/api/chats/${chat}/messages/${index}`],
    ]) {
      const [answer] = await exchange(server.url, request(method, path, more));
      if (answer.status === 200) expect(JSON.parse(answer.body)).toMatchObject({ status: 'success' });
      else expectRawFailure(answer, 400);
    }
  });
});

describe('the order of checks', () => {
  const guarded = ROUTES.filter(({ token }) => token === 'ApiKey' || token === 'ResetPasswordToken');

  test.each(guarded)('$method $path checks the token first', async ({ method, path }) => {
    const hasBody = method === 'POST' || method === 'PUT';
    const bodies: RequestOptions[] = [
      {},
      ...(hasBody
        ? [
            { raw: '{"broken', headers: JSON_TYPE },
            { raw: Buffer.from('x'), headers: { 'content-type': '/' } },
          ]
        : []),
    ];
    const malformed = path.replaceAll(/\{\w+\}/g, 'not%20well-formed');
    for (const target of [wellFormed(path), malformed, `${malformed}?page=-1&page=x&username=`]) {
      for (const body of bodies) {
        for (const token of [undefined, 'forged']) {
          expectFailure(await server.parley.request(method, target, { token, ...body }), 401);
        }
      }
    }
  });

  const inChats = ROUTES.filter(({ path }) => path.includes('{chat}'));

  test.each(inChats)('$method $path checks the path before query and body', async ({ method, path }) => {
    const hasBody = method === 'POST' || method === 'PUT';
    const raw = hasBody ? { raw: '{"broken', headers: JSON_TYPE } : {};
    const call = (target: string) =>
      server.parley.request(method, `${target}?page=-1`, { token: sam.token, ...raw });
    expect(expectFailure(await call(path.replace('{chat}', 'x').replace('{message}', '0')), 400)).toBe(
      "path parameter 'chat' must be a uuid",
    );
    expect(expectFailure(await call(wellFormed(path)), 400)).toBe('specified chat does not exist');
    if (!path.includes('{message}')) return;
    expect(expectFailure(await call(path.replace('{chat}', chat).replace('{message}', '01')), 400)).toMatch(
      /^path parameter 'message' must be/,
    );
  });

  test.each(inChats)(
    '$method $path checks the membership before query and body',
    async ({ method, path }) => {
      const [mine, message] = [await alex.createChat([]), '999'];
      const hasBody = method === 'POST' || method === 'PUT';
      const answer = await server.parley.request(
        method,
        `${path.replace('{chat}', mine).replace('{message}', message)}?page=-1`,
        { token: sam.token, ...(hasBody ? { raw: '{"broken', headers: JSON_TYPE } : {}) },
      );
      expect(expectFailure(answer, 403)).toBe('user is not part of specified chat');
    },
  );

  test('PUT /api/users/{user} checks the path before the body', async () => {
    const update = (user: string) =>
      server.parley.request('PUT', `/api/users/${user}`, { token: sam.token, raw: '{', headers: JSON_TYPE });
    expect(expectFailure(await update('nobody'), 400)).toBe("user 'nobody' does not exist");
    expect(expectFailure(await update('alex'), 403)).toBe('not allowed to modify other users');
    expect(expectFailure(await update('sam'), 400)).toBe('request body must be valid JSON');
  });
});

describe('a route that does not exist', () => {
  test.each([
    '/nope',
    '/api',
    '/api/',
    '/api/nope',
    '/API/chats',
    '/api/users/alex/nope',
    '/chats',
    '//api//chats',
    '/api/chats;x=1',
    '/api/auth/login/x',
    '/api/docs-json/x',
    `/api/${'x'.repeat(5000)}`,
    '/api/chats/3e17b51b-01db-4b20-b1f5-95fd054376b7/messages/0/x',
  ])("%s is answered in the API's dialect", async (path) => {
    for (const token of [undefined, alex.token]) {
      const reason = expectFailure(await server.parley.get(path, { token }), 404);
      expect(reason).toBe('route does not exist');
    }
  });

  test('does not repeat the URL in the error', async () => {
    const { body } = await server.parley.get(`/api/nope?token=${alex.token}`);
    expect(JSON.stringify(body)).not.toContain(alex.token);
  });

  test.each([
    ['POST', '/api/auth/logout'],
    ['GET', '/api/auth/login'],
    ['POST', '/api/auth/forgot-password'],
    ['PATCH', '/api/users/alex'],
    ['DELETE', '/api/users'],
    ['PUT', '/api/chats'],
    ['DELETE', '/api/chats'],
    ['POST', '/api/chats/3e17b51b-01db-4b20-b1f5-95fd054376b7/messages/0'],
    ['OPTIONS', '/api/chats'],
    ['PROPFIND', '/api/chats'],
    ['TRACE', '/api/chats'],
    ['OPTIONS', '*'],
  ])('%s %s has the wrong method', async (method, path) => {
    const [answer] = await exchange(server.url, request(method, path, { headers: withToken() }));
    expectRawFailure(answer, [404, 405]);
  });

  test.each(['/api/chats/', '/api/users/', '/api/auth/logout/', '/api/chats//messages'])(
    '%s has a superfluous slash',
    async (path) => {
      const { status, body } = await server.parley.get(path, { token: alex.token });
      expect([200, 400, 404]).toContain(status);
      expect(body.status).toBe(status === 200 ? 'success' : 'error');
    },
  );
});

describe('a path or query with special characters', () => {
  const malformed = ['%', '%ff', '%zz', '%c0%80', '%ed%a0%80', '%e2%82', '%f8%88%80%80%80'];

  test.each([
    ...malformed.map((part) => `/api/users/${part}`),
    ...malformed.map((part) => `/api/chats/${part}`),
    ...malformed.map((part) => `/api/chats/${part}/messages`),
    '/api/users/%00',
    '/api/users/a%00b',
    '/api/users/%0d%0aX-Evil:%201',
    '/api/users/%2e%2e%2fchats',
    '/api/users/__proto__',
    '/api/users/constructor',
    '/api/chats/%00',
    '/api/chats/constructor',
    '/api/chats/../../etc/passwd',
    '/api/docs/../chats',
    '/api/docs/%2e%2e/chats',
    '/api/docs/static/../../chats',
    '/api/users?username=%00',
    '/api/users?username=a%00b',
    '/api/users?username=',
    '/api/users?username',
    '/api/users?',
    '/api/users?username=a&username=b',
    '/api/users?username[]=a',
    '/api/auth/forgot-password?username=%00',
    '/api/auth/forgot-password?username=a&username=b',
  ])('GET %s is rejected', async (path) => {
    const [answer] = await exchange(server.url, request('GET', path, { headers: withToken() }));
    expectRawFailure(answer, path.includes('../') || path.includes('%2e%2e/') ? [400, 404] : 400);
  });

  test.each(malformed)('a query with %s is answered', async (part) => {
    for (const path of [`/api/users?username=${part}`, `/api/auth/forgot-password?username=${part}`]) {
      const [answer] = await exchange(server.url, request('GET', path, { headers: withToken() }));
      if (answer.status !== 200) expectRawFailure(answer, 400);
    }
  });

  test.each([100, 1024, 1025, 5000, 15_000])(
    'a path parameter of %i characters is answered',
    async (length) => {
      const long = 'x'.repeat(length);
      expectFailure(await alex.get(`/api/users/${long}`), [400, 404]);
      expectFailure(await alex.get(`/api/chats/${long}`), [400, 404]);
      expectFailure(await alex.get(`/api/chats/${chat}/messages/${'9'.repeat(length)}`), [400, 404]);
    },
  );

  test('the longest possible username is found by its path', async () => {
    const username = '𐐨'.repeat(64);
    const member = await server.parley.signUp(username, { email: 'longest@example.com' });
    const { data } = expectSuccess(await member.get(`/api/users/${encodeURIComponent(username)}`));
    expect(data.username).toBe(username);
  });

  test('a query of 10,000 characters is answered', async () => {
    expectSuccess(await alex.get(`/api/users?username=${'x'.repeat(10_000)}`));
    expectSuccess(await alex.get(`/api/users?username=x&${'a=b&'.repeat(3_000)}`));
  });
});

test.each([
  ['/api/chats', 405],
  ['/api/auth/logout', 405],
  ['/api/nope', 404],
])('HEAD %s is refused and has no effect', async (path, status) => {
  const head = await fetch(server.url + path, { method: 'HEAD', headers: { authorization: alex.token } });
  expect([head.status, await head.text()]).toEqual([status, '']);
  await expectAlive();
});

describe('a body that is too large', () => {
  const large = JSON.stringify({ type: 'message', message: 'x'.repeat(262_144) });

  test('is rejected before it is read', async () => {
    expect(expectFailure(await sendRaw(large), 413)).toBe('request body is too large');
    await expectAlive();
  });

  test('is rejected while it is read, when its length is unknown', async () => {
    const chunk = 'x'.repeat(65_536);
    const head = request('POST', `/api/chats/${chat}/messages`, {
      headers: withToken({ ...JSON_TYPE, 'Transfer-Encoding': 'chunked' }),
    });
    const [answer] = await exchange(server.url, head + `10000\r\n${chunk}\r\n`.repeat(5));
    expect(expectRawFailure(answer, 413)).toBe('request body is too large');
    await expectAlive();
  });

  test('is rejected by its Content-Length alone, before a byte is sent', async () => {
    const [answer] = await exchange(
      server.url,
      request('POST', '/api/users', { headers: { ...JSON_TYPE, 'Content-Length': '9999999999' } }),
    );
    expect(expectRawFailure(answer, 413)).toBe('request body is too large');
  });

  test('is not one with the longest message, in JSON escapes', async () => {
    const escaped = '\\ud83d\\ude00'.repeat(16_383);
    const { index } = expectSuccess(await sendRaw(`{"type":"message","message":"${escaped}"}`)).data;
    const { message } = (await alex.get(`/api/chats/${chat}/messages/${index}`)).body;
    expect(message).toBe('😀'.repeat(16_383));
  });
});

describe('malformed HTTP is answered in the dialect', () => {
  test.each([
    ['garbage', 'garbage\r\n\r\n'],
    ['binary', Buffer.from([0, 255, 1, 254, 13, 10, 13, 10])],
    ['a TLS hello', Buffer.from('160301020001000001fc0303', 'hex')],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an unknown method', 'FETCH /api/chats HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['an unknown version', 'GET /api/chats HTTP/9.9\r\nHost: x\r\n\r\n'],
    ['a space in the path', 'GET /api/ch ats HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a header without a colon', 'GET /api/chats HTTP/1.1\r\nHost x\r\n\r\n'],
    ['a NUL in a header', 'GET /api/chats HTTP/1.1\r\nHost: x\r\nX: \0\r\n\r\n'],
    ['a length that is not a number', 'POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n'],
    ['a negative length', 'POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'],
    [
      'two lengths',
      'POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
    ],
    [
      'a length and chunks',
      'POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}',
    ],
  ])('%s', async (_, bytes) => {
    const [answer] = await exchange(server.url, bytes);
    expectRawFailure(answer, 400);
    await expectAlive();
  });

  test('headers that are too large', async () => {
    const bytes = request('GET', '/api/chats', { headers: withToken({ 'X-Long': 'x'.repeat(20_000) }) });
    const [answer] = await exchange(server.url, bytes);
    expect(expectRawFailure(answer, 431)).toBe('request headers are too large');
    await expectAlive();
  });

  test('a malformed chunk of a body', async () => {
    const head = request('POST', '/api/users', { headers: { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' } });
    const answers = await exchange(server.url, `${head}zz\r\n{}\r\n`);
    expectRawFailure(answers.at(-1), 400);
    await expectAlive();
  });

  test('HTTP/1.1 without the header Host', async () => {
    const [answer] = await exchange(server.url, 'GET /api/chats HTTP/1.1\r\nConnection: close\r\n\r\n');
    expectRawFailure(answer, [400, 401]);
  });

  test('an unknown expectation', async () => {
    const bytes = request('POST', '/api/users', {
      headers: { ...JSON_TYPE, Expect: 'miracles' },
      body: '{}',
    });
    const [answer] = await exchange(server.url, bytes);
    expectRawFailure(answer, [400, 417]);
  });

  test.each([
    ['POST', '/api/join_room', { Expect: 'miracles' }, 'error'],
    ['GET', '/api/chats/%ff', {}, 'reason'],
  ])('%s %s with %j is answered so that a page can read it', async (method, path, more, key) => {
    const headers = { Origin: 'https://chat.example.com', ...more };
    const [answer] = await exchange(server.url, request(method, path, { headers }));
    expect(JSON.parse(answer.body)).toHaveProperty(key);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
  });

  test('an upgrade to another protocol, which is ignored', async () => {
    const upgrade = { Connection: 'Upgrade, close', Upgrade: 'websocket' };
    const [answer] = await exchange(server.url, request('GET', '/api/chats', { headers: upgrade }));
    expectRawFailure(answer, 401);
  });
});

describe('of a header that is sent twice', () => {
  const twice = (name: string, first: string, second: string) => ({
    [name]: `${first}\r\n${name}: ${second}`,
    'Content-Type': 'application/json',
  });
  const send = async (headers: Record<string, string>) => {
    const path = `/api/chats/${await alex.createChat([])}/messages`;
    const body = JSON.stringify({ type: 'message', message: 'text' });
    const [answer] = await exchange(server.url, request('POST', path, { headers, body }));
    return answer;
  };

  test('Authorization, the first one counts', async () => {
    expect((await send(twice('Authorization', alex.token, 'bad'))).status).toBe(200);
    expectRawFailure(await send(twice('Authorization', 'bad', alex.token)), 401);
  });

  test('Idempotency-Key, none counts', async () => {
    const answer = await send(withToken(twice('Idempotency-Key', 'one', 'two')));
    expectRawFailure(answer, 400);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'invalid_field', field: 'Idempotency-Key' });
  });

  test('Content-Type, the first one counts', async () => {
    const types = { 'Content-Type': 'application/json\r\nContent-Type: text/plain' };
    expect((await send(withToken(types))).status).toBe(200);
  });
});

describe('a connection', () => {
  test('carries pipelined requests', async () => {
    const headers = withToken({ Connection: 'keep-alive' });
    const bodies = ['{"type":"message","message":"pipelined"}', '{'];
    const path = `/api/chats/${chat}/messages`;
    const [first, second, third, fourth] = await exchange(
      server.url,
      request('GET', '/api/chats', { headers }) +
        request('POST', path, { headers: { ...headers, ...JSON_TYPE }, body: bodies[0] }) +
        request('POST', path, { headers: { ...headers, ...JSON_TYPE }, body: bodies[1] }) +
        request('GET', '/api/nope'),
    );
    expect(JSON.parse(first.body).data).toEqual(expect.any(Array));
    expect(JSON.parse(second.body).data).toEqual({
      index: expect.any(Number),
      timestamp: expect.any(Number),
    });
    expect(expectRawFailure(third, 400)).toBe('request body must be valid JSON');
    expectRawFailure(fourth, 404);
  });

  test('answers 100 to a client that expects it before it sends the body', async () => {
    const body = '{"type":"message","message":"expected"}';
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.setEncoding('utf8');
    const [head] = request('POST', `/api/chats/${chat}/messages`, {
      headers: withToken({ ...JSON_TYPE, Expect: '100-continue' }),
      body,
    }).split(body);
    socket.write(head);
    let received = '';
    for await (const text of socket as AsyncIterable<string>) {
      if (received === '') {
        expect(text).toBe('HTTP/1.1 100 Continue\r\n\r\n');
        socket.write(body);
      }
      received += text;
    }
    expect(received).toMatch(/HTTP\/1\.1 200 OK[\s\S]*"index"/);
  });

  test('may break in the middle of a body, which then has no effect', async () => {
    const before = (await alex.list(chat, '?order=desc&per_page=1')).messages[0].index;
    for (const headers of [{ 'Content-Length': '1000' }, { 'Transfer-Encoding': 'chunked' }]) {
      const head = request('POST', `/api/chats/${chat}/messages`, {
        headers: withToken({ ...JSON_TYPE, ...headers, Expect: '100-continue' }),
      });
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      socket.write(head);
      await new Promise((resolve) => socket.once('data', resolve));
      socket.write('5\r\n{"typ');
      socket.resetAndDestroy();
      await new Promise((resolve) => socket.once('close', resolve));
    }
    await expectAlive();
    expect((await alex.list(chat, '?order=desc&per_page=1')).messages[0].index).toBe(before);
  });

  test('may be closed by the client before the answer', async () => {
    const sockets = Array.from({ length: 20 }, () => connect(Number(new URL(server.url).port), '127.0.0.1'));
    await Promise.all(
      sockets.map(async (socket) => {
        await new Promise((resolve) => socket.once('connect', resolve));
        socket.write(request('GET', '/api/chats', { headers: withToken() }), () => socket.resetAndDestroy());
        await new Promise((resolve) => socket.once('close', resolve));
      }),
    );
    await expectAlive();
  });

  test('may speak HTTP/1.0', async () => {
    const bytes = `GET /api/chats HTTP/1.0\r\nAuthorization: ${alex.token}\r\n\r\n`;
    const [answer] = await exchange(server.url, bytes);
    expect(JSON.parse(answer.body)).toMatchObject({ status: 'success' });
  });
});

describe('every status has a body in the dialect', () => {
  /** The error that TypeORM makes of a driver's error. */
  const queryFailure = (code: string, message = 'internal words') =>
    new QueryFailedError('SELECT 1', [], Object.assign(new Error(message), { code }));

  const refusedConnection = new DatabaseUnavailable('connect ECONNREFUSED 10.0.0.7:3306');

  const failWith = (error: unknown) => {
    vi.spyOn(server.app.get(ChatsService), 'list').mockRejectedValueOnce(error);
    return alex.get('/api/chats');
  };

  test.each([
    [400, 'a bad path', () => alex.get('/api/chats/x')],
    [400, 'a bad query', () => alex.get('/api/users')],
    [400, 'a bad body', () => sendRaw('{')],
    [400, 'a bad encoding of the path', () => alex.get('/api/chats/%ff')],
    [401, 'no token', () => server.parley.get('/api/chats')],
    [
      401,
      'a wrong password',
      () => server.parley.post('/api/auth/login', { username: 'alex', password: NOBODY }),
    ],
    [403, 'a member who is not the owner', () => sam.delete(`/api/chats/${chat}`)],
    [404, 'an unknown route', () => server.parley.get('/api/nope')],
    [
      409,
      'a name that is taken',
      () => server.parley.post('/api/users', { ...credentialsOf(sam), email: 'x@y.z' }),
    ],
    [413, 'a large body', () => sendRaw(' '.repeat(262_145))],
    [500, 'a bug', () => failWith(new Error('boom'))],
    [503, 'an unavailable database', () => failWith(refusedConnection)],
  ])('%i: %s', async (status, _, call) => {
    const answer = await call();
    expectFailure(answer, status);
    expect(answer.headers.get('x-request-id')).toMatch(/^[\w-]{8,}$/);
  });

  test.each([
    ['an error', new Error('SELECT password_hash FROM users')],
    ['an error with a status of its own', Object.assign(new Error('internal words'), { statusCode: 502 })],
    ['an error with an invalid status', Object.assign(new Error('internal words'), { statusCode: 17 })],
    ['an error with a code', Object.assign(new Error('internal words'), { code: 'ENOENT' })],
    ['a text', 'internal words'],
    ['nothing', undefined],
    ['null', null],
    ['an object', { message: 'internal words', response: 'internal words', status: 200 }],
  ])('500 hides the details of %s that a service throws', async (_, thrown) => {
    const answer = await failWith(thrown);
    expect(expectFailure(answer, 500)).toBe('internal server error');
    expect(answer.headers.get('x-request-id')).toBeTruthy();
    await expectAlive();
  });

  test.each([
    ['a refused connection', refusedConnection],
    ['a lost connection', queryFailure('PROTOCOL_CONNECTION_LOST')],
    ['a reset connection', queryFailure('ECONNRESET')],
    ['a full disk', queryFailure('SQLITE_FULL')],
    ['a failing disk', queryFailure('SQLITE_IOERR_WRITE')],
    ['a lock that is never released', queryFailure('SQLITE_BUSY_SNAPSHOT')],
    ['too many connections', queryFailure('ER_CON_COUNT_ERROR')],
    ['a closed pool', queryFailure('', 'Pool is closed.')],
    ['a deadlock that persists', queryFailure('ER_LOCK_DEADLOCK')],
  ])('503 is the answer to %s', async (_, thrown) => {
    const answer = await failWith(thrown);
    expect(expectFailure(answer, 503)).toBe('the database is unavailable, try again later');
    expect(answer.headers.get('x-request-id')).toBeTruthy();
  });

  test('each error has its own request id, which the client cannot choose', async () => {
    const ids = new Set<string | null>();
    for (let count = 0; count < 3; count += 1) {
      vi.spyOn(server.app.get(ChatsService), 'list').mockRejectedValueOnce(new Error('boom'));
      const { headers } = await alex.get('/api/chats', {
        headers: { 'x-request-id': 'mine', 'request-id': 'mine' },
      });
      ids.add(headers.get('x-request-id'));
    }
    expect(ids.size).toBe(3);
    expect(ids).not.toContain('mine');
  });
});
