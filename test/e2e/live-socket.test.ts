import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Streams } from '#src/live/streams.service.js';
import { hasNoBrowser, launchBrowser } from '../support/browser.js';
import { expectFailure, expectRawFailure } from '../support/failure.js';
import { connectTo } from '../support/file-server.js';
import { isReplayed, under } from '../support/keyed.js';
import { followSocket, openSocket } from '../support/live.js';
import { expectSuccess, type Json, type Member } from '../support/parley.js';
import { exchange, request } from '../support/raw-http.js';
import { createRoom } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

type Client = ReturnType<typeof openSocket>;

let server: TestServer;
let alex: Member;
let sam: Member;
let eve: Member;
let chat: string;
const open: { close(): void }[] = [];

beforeAll(async () => {
  server = await startServer();
  [alex, sam, eve] = await Promise.all(['alex', 'sam', 'eve'].map((name) => server.parley.signUp(name)));
});

beforeEach(async () => {
  chat = await alex.createChat([sam]);
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const one of open.splice(0)) one.close();
  await until('all streams to close', () => (streamsOf(server).size === 0 ? true : undefined));
});

afterAll(() => server.close());

const streamsOf = ({ app }: TestServer) => Reflect.get(app.get(Streams), 'streams') as Set<object>;

function keep<T extends { close(): void }>(one: T): T {
  open.push(one);
  return one;
}

/** Opens a WebSocket that has not said hello. */
async function connect(headers?: Record<string, string>, on = server): Promise<Client> {
  const client = keep(openSocket(on.parley, { headers }));
  await until('the socket to open', () => (client.isOpen() || client.hasEnded ? true : undefined));
  return client;
}

/** Opens a WebSocket that follows a user's chats. */
async function talk(member: Member, on = server): Promise<Client> {
  const client = await connect(undefined, on);
  client.send({ type: 'hello', token: member.token });
  await until('ready', () => (client.isReady || client.hasEnded ? true : undefined));
  return client;
}

const answers = (client: Client, count: number) =>
  until(`${count} answers`, () => (client.answers.length >= count ? client.answers : undefined));

const MALFORMED = {
  type: 'error',
  code: 'malformed_request',
  reason: expect.any(String),
};

async function expectPong(client: Client): Promise<void> {
  const count = client.answers.length;
  client.send({ type: 'ping' });
  expect((await answers(client, count + 1))[count]).toEqual({ type: 'pong' });
}

const UPGRADE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

/** Asks for a WebSocket that is refused. */
async function refusedUpgrade(headers: Partial<Record<string, string>>, { on = server } = {}) {
  const [answer] = await exchange(on.url, request('GET', '/api/ws', { headers: { ...UPGRADE, ...headers } }));
  return answer;
}

describe('frames that the protocol does not know', () => {
  const frames: [string, unknown][] = [
    ['no JSON', 'hello'],
    ['an empty text', ''],
    ['cut-off JSON', '{"type":"ping"'],
    ['null', 'null'],
    ['a number', '7'],
    ['a string', '"ping"'],
    ['a list', '[{"type":"ping"}]'],
    ['no type', {}],
    ['a type that is no text', { type: 1 }],
    ['an unknown type', { type: 'subscribe' }],
    ['the name of a method', { type: 'constructor' }],
    ['a prototype', '{"__proto__":{"type":"ping"}}'],
    ['a second hello', { type: 'hello', token: 'x' }],
    ['send without an id', { type: 'send', chat: 'x', message: 'x' }],
    ['send with an empty id', { type: 'send', id: '', chat: 'x', message: 'x' }],
    ['send with a long id', { type: 'send', id: 'x'.repeat(256), chat: 'x', message: 'x' }],
    ['send with white space in the id', { type: 'send', id: 'a b', chat: 'x', message: 'x' }],
    ['send with an id that is not ASCII', { type: 'send', id: 'ä', chat: 'x', message: 'x' }],
    ['send with an id that is no text', { type: 'send', id: 1, chat: 'x', message: 'x' }],
    ['send without a chat', { type: 'send', message: 'x' }],
    ['read without an id', { type: 'read', chat: 'x', index: 0 }],
    ['typing without a chat', { type: 'typing' }],
  ];

  test('are answered with an error, and the connection stays open', async () => {
    const client = await talk(sam);
    for (const [name, frame] of frames) {
      const count = client.answers.length;
      client.send(frame);
      expect((await answers(client, count + 1))[count], name).toEqual(MALFORMED);
    }
    client.socket.send(Buffer.from('{"type":"ping"}'), { binary: true });
    expect((await answers(client, frames.length + 1)).at(-1)).toEqual(MALFORMED);
    await expectPong(client);
    expect(client.hasEnded).toBe(false);
  });

  test('are told by their id if they have one', async () => {
    const client = await talk(sam);
    const wrong: Json[] = [
      { type: 'send', id: 'a', chat },
      { type: 'send', id: 'b', chat, message: 7 },
      { type: 'send', id: 'c', message: 'x' },
      { type: 'read', id: 'd', chat },
      { type: 'read', id: 'e', chat, index: '0' },
      { type: 'unknown', id: 'f' },
    ];
    for (const frame of wrong) {
      client.send(frame);
      expect(await client.answerTo(frame.id)).toEqual({ ...MALFORMED, id: frame.id });
    }
  });

  test('come before hello as well, which may follow', async () => {
    const client = await connect();
    const early = [{ type: 'ping' }, { type: 'typing', chat }, { type: 'hello', token: 7 }, 'x'];
    for (const frame of early) client.send(frame);
    expect(await answers(client, early.length)).toEqual(early.map(() => MALFORMED));
    client.send({ type: 'hello', token: sam.token });
    await until('ready', () => client.isReady || undefined);
    await expectPong(client);
  });

  test('are cut off beyond 256 KiB', async () => {
    const client = await talk(sam);
    const padded = (length: number) => {
      const [start, end] = ['{"type":"ping","x":"', '"}'];
      return start + 'x'.repeat(length - start.length - end.length) + end;
    };
    client.send(padded(262_144));
    expect(await answers(client, 1)).toEqual([{ type: 'pong' }]);
    client.send(padded(262_145));
    expect(await client.waitForEnd()).toEqual({ code: 1009 });

    const other = await talk(sam);
    for (let n = 0; n < 5; n += 1) other.socket.send('x'.repeat(65_536), { fin: false });
    expect(await other.waitForEnd()).toEqual({ code: 1009 });
  });

  test('may be sent in fragments', async () => {
    const client = await talk(sam);
    client.socket.send('{"type":', { fin: false });
    client.socket.send('"ping"}', { fin: true });
    expect(await answers(client, 1)).toEqual([{ type: 'pong' }]);
  });

  test('are at most 1,000 a second', async () => {
    const client = await talk(sam);
    for (let n = 0; n < 900; n += 1) client.send({ type: 'ping' });
    await answers(client, 900);
    expect(client.hasEnded).toBe(false);
    // Over two seconds at most.
    for (let n = 0; n < 2_100; n += 1) client.send({ type: 'ping' });
    expect(await client.waitForEnd()).toEqual({ code: 4429 });
  });
});

describe('a WebSocket opens', () => {
  test('with the token in hello, from any page by default', async () => {
    const client = await connect({ origin: 'https://chat.example.com' });
    client.send({ type: 'hello', token: sam.token });
    await until('ready', () => client.isReady || undefined);
    expect(client.recovered).toBe(false);
    expect(client.lastId).not.toBe('');
  });

  test('with the token in the header, and hello is still due', async () => {
    const client = await connect({ authorization: sam.token });
    client.send({ type: 'ping' });
    expect(await answers(client, 1)).toEqual([MALFORMED]);
    await alex.send(chat, 'not yet');
    expect(client.events).toEqual([]);
    client.send({ type: 'hello' });
    await until('ready', () => client.isReady || undefined);
    await alex.send(chat, 'hello');
    await client.waitFor((event) => event.data.message === 'hello');
  });

  test('with the token in hello rather than that in the header', async () => {
    const client = await connect({ authorization: eve.token });
    client.send({ type: 'hello', token: sam.token });
    await until('ready', () => client.isReady || undefined);
    await alex.send(chat, 'for sam');
    await client.waitFor('message.created');
  });

  test('and is answered like any call when its token in the header is bad', async () => {
    const ended = await server.parley.login('sam', sam.password);
    await server.parley.get('/api/auth/logout', { token: ended });
    for (const token of ['x', ended, `${sam.token}x`]) {
      const answer = await refusedUpgrade({ Authorization: token });
      expectRawFailure(answer, 401);
      expect(JSON.parse(answer.body).code).toBe('token_invalid');
      expect(answer.headers.connection).toBe('close');
    }
  });

  test('and closes with 4401 when hello has no good token', async () => {
    const ended = await server.parley.login('sam', sam.password);
    const upgraded = await connect({ authorization: ended });
    await server.parley.get('/api/auth/logout', { token: ended });
    upgraded.send({ type: 'hello' });
    expect(await upgraded.waitForEnd()).toEqual({ code: 4401 });
    await sam.get(`/api/auth/forgot-password?username=sam`);
    const reset = await server.mailbox.waitForToken(sam.email, /^Reset/);
    for (const hello of [
      { type: 'hello' },
      { type: 'hello', token: '' },
      { type: 'hello', token: 'x' },
      { type: 'hello', token: ended },
      { type: 'hello', token: reset },
    ]) {
      const client = await connect();
      client.send(hello);
      client.send({ type: 'ping' });
      expect(await client.waitForEnd()).toEqual({ code: 4401 });
      expect(client.answers).toEqual([]);
    }
    const mixed = await connect({ authorization: sam.token });
    mixed.send({ type: 'hello', token: 'x' });
    expect(await mixed.waitForEnd()).toEqual({ code: 4401 });
  });

  test('and closes with 4408 without a hello in 10 s', async () => {
    const later = globalThis.setTimeout;
    const shorten = (run: () => void, ms?: number) => later(run, ms === 10_000 ? 1_000 : ms);
    const shortened = vi.spyOn(globalThis, 'setTimeout').mockImplementation(shorten);
    const other = await connect();
    other.send({ type: 'hello', token: sam.token });
    const client = await connect();
    client.send({ type: 'ping' });
    expect(await client.waitForEnd()).toEqual({ code: 4408 });
    shortened.mockRestore();
    await alex.send(chat, 'hello');
    await other.waitFor('message.created');
    expect(other.hasEnded).toBe(false);
  });

  test('on its route alone, and on a valid request alone', async () => {
    expectFailure(await sam.get('/api/ws'), 400);
    expectFailure(await server.parley.get('/api/ws'), 400);
    expect((await sam.get('/api/ws')).body.code).toBe('malformed_request');
    for (const [headers, status] of [
      [{ 'Sec-WebSocket-Key': undefined }, 400],
      [{ 'Sec-WebSocket-Key': 'short' }, 400],
      [{ 'Sec-WebSocket-Version': '7' }, [400, 426]],
    ] as const) {
      const answer = await refusedUpgrade({ ...headers });
      expect([status].flat(), JSON.stringify(headers)).toContain(answer.status);
    }
  });
});

describe('a request to upgrade that is for another route', () => {
  /** Reads the answer only, because the connection may stay open. */
  async function answerTo(bytes: string) {
    const socket = await connectTo(server.url);
    socket.write(bytes);
    const [received] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    const [head, body] = received.toString().split('\r\n\r\n');
    return { head, status: Number(head.split(' ')[1]), body: JSON.parse(body) };
  }
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    answerTo(request(method, path, { headers: { ...UPGRADE, ...headers } }));

  test('is answered as usual', async () => {
    const withToken = { Authorization: sam.token };
    expect(await ask('/api/nope', withToken)).toMatchObject({
      status: 404,
      body: { code: 'route_not_found' },
    });
    expect(await ask('/api/chats')).toMatchObject({ status: 401, body: { code: 'token_missing' } });
    expect(await ask('/api/chats', withToken)).toMatchObject({ status: 200, body: { status: 'success' } });
    expect((await ask('/api/ws', withToken, 'POST')).body.code).toMatch(
      /^(route_not_found|method_not_allowed)$/,
    );
    const { status, body } = await ask('/api/rooms');
    expect([status, Object.keys(body)]).toEqual([401, ['error', 'code']]);
  });

  test('closes the connection if the client asks for it (that is dropped with the offer)', async () => {
    const { head } = await ask('/api/chats', { Connection: 'Upgrade, close' });
    expect(head).toMatch(/^connection: close$/im);
  });
});

describe('CORS_ORIGINS', () => {
  const PAGE = 'https://chat.example.com';

  const outcome = async (on: TestServer, origin?: string, host?: string) => {
    const headers = { ...(origin && { Origin: origin }), ...(host && { Host: host }) };
    const socket = await connectTo(on.url);
    socket.write(request('GET', '/api/ws', { headers: { ...UPGRADE, ...headers } }));
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return Number(bytes.toString().split(' ')[1]);
  };

  test('keeps pages of other origins out', async () => {
    const other = await startServer({ corsOrigins: [PAGE] });
    try {
      const cases: [origin: string | undefined, host: string | undefined, status: number][] = [
        [PAGE, undefined, 101],
        [undefined, undefined, 101],
        ['http://chat.local:3000', 'chat.local:3000', 101],
        ['http://chat.local', 'chat.local', 101],
        ['http://chat.local:3001', 'chat.local:3000', 403],
        ['http://chat.local', 'chat.local:3000', 403],
        [`${PAGE}.evil.example`, undefined, 403],
        ['https://evil.example', undefined, 403],
        ['null', undefined, 403],
        ['nonsense', 'nonsense', 403],
      ];
      for (const [origin, host, status] of cases) {
        expect(await outcome(other, origin, host), `${origin} ${host}`).toBe(status);
      }
      const refused = await refusedUpgrade({ Origin: 'https://evil.example' }, { on: other });
      expectRawFailure(refused, 403);
      expect(JSON.parse(refused.body).code).toBe('not_allowed');
      expect(refused.headers.connection).toBe('close');
    } finally {
      await other.close();
    }
  });

  test('with none lets in the pages of the server alone', async () => {
    const other = await startServer({ corsOrigins: [] });
    try {
      expect(await outcome(other, PAGE)).toBe(403);
      expect(await outcome(other, 'http://chat.local', 'chat.local')).toBe(101);
    } finally {
      await other.close();
    }
  });
});

test('an upgrade that is pipelined behind another request harms nobody', async () => {
  const socket = await connectTo(server.url);
  const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket' };
  const headers = { Authorization: alex.token };
  const first = request('GET', `/api/chats/${chat}/messages`, { headers }).replace(/Connection: .*\r\n/i, '');
  socket.write(first + request('GET', '/api/ws', { headers: upgrade }));
  await once(socket, 'close');
  expect((await alex.get('/api/rooms')).status).toBe(200);
});

describe('an offer of another protocol is ignored', () => {
  const h2c = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' };

  test('and a POST is answered as usual, also if its body comes later', async () => {
    const body = JSON.stringify({ type: 'message', message: 'Grüße' });
    const headers = { ...h2c, 'Content-Type': 'application/json', Authorization: alex.token };
    const bytes = Buffer.from(request('POST', `/api/chats/${chat}/messages`, { headers, body }));
    const next = Buffer.from(request('GET', '/api/rooms', { headers: { Authorization: alex.token } }));
    for (const cut of [bytes.length, bytes.length - 1, bytes.length - Buffer.byteLength(body)]) {
      const socket = await connectTo(server.url);
      let text = '';
      socket.on('data', (some: Buffer) => (text += some.toString()));
      socket.write(bytes.subarray(0, cut));
      if (cut < bytes.length) {
        await until('the server to get the head', () => (socket.writableLength === 0 ? true : undefined));
        socket.write(bytes.subarray(cut));
      }
      await until('an answer', () => (text.includes('"status":"success"') ? true : undefined));
      expect(text).toMatch(/^HTTP\/1\.1 200 /);
      // The connection goes on.
      socket.write(next);
      await once(socket, 'end');
      expect(text).toContain('"rooms"');
    }
    expect(await alex.texts(chat)).toEqual(['first', 'Grüße', 'Grüße', 'Grüße']);
  });
});

describe('send', () => {
  test('is acknowledged with the index and the timestamp that REST tells', async () => {
    const client = await talk(alex);
    client.send({ type: 'send', id: 'one', chat, message: 'Grüße 🚢' });
    const { data, ...ack } = await client.answerTo('one');
    expect(ack).toEqual({ type: 'ack', id: 'one' });
    expect(Object.keys(data)).toEqual(['index', 'timestamp']);
    const { body } = await sam.get(`/api/chats/${chat}/messages/1`);
    expect(body).toMatchObject({ ...data, message: 'Grüße 🚢', sender: alex.user });
    await client.waitFor((event) => event.data.index === 1);
  });

  test('is one request with its id, over each transport and connection', async () => {
    const [client, other] = [await talk(alex), await talk(alex)];
    const frame = { type: 'send', id: `once-${chat}`, chat, message: 'once' };
    client.send(frame);
    client.send(frame);
    other.send(frame);
    const all = [...(await answers(client, 2)), ...(await answers(other, 1))];
    expect(all[0].type).toBe('ack');
    expect(all).toEqual([all[0], all[0], all[0]]);
    const json = { type: 'message', message: 'once' };
    const path = `/api/chats/${chat}/messages`;
    const repeated = await alex.post(path, json, under(frame.id));
    expect(isReplayed(repeated)).toBe(true);
    expect(repeated.body.data).toEqual(all[0].data);

    const first = await alex.post(path, { ...json, message: 'by REST' }, under(`rest-${chat}`));
    client.send({ type: 'send', id: `rest-${chat}`, chat, message: 'by REST' });
    expect((await client.answerTo(`rest-${chat}`)).data).toEqual(expectSuccess(first).data);
    expect(await alex.texts(chat)).toEqual(['first', 'once', 'by REST']);

    for (const changed of [
      { ...frame, message: 'other' },
      { ...frame, chat: await alex.createChat([]) },
    ]) {
      const count = client.answers.length;
      client.send(changed);
      const answer = (await answers(client, count + 1))[count];
      expect(answer).toMatchObject({ type: 'error', id: frame.id, code: 'idempotency_conflict' });
    }
    // A key is its user's own.
    const samsClient = await talk(sam);
    samsClient.send(frame);
    expect((await samsClient.answerTo(frame.id)).data.index).toBe(3);
  });

  test('keeps the order of 50 frames in flight', async () => {
    const client = await talk(alex);
    const reader = await talk(sam);
    const ids = Array.from({ length: 50 }, (_, n) => `${n}-${chat}`);
    for (const [n, id] of ids.entries()) {
      client.send({ type: 'send', id, chat, message: `text ${n}` });
      if (n % 10 === 9) client.send({ type: 'read', id: `read ${n}`.replace(' ', '-'), chat, index: n });
    }
    await answers(client, 55);
    const acks = client.answers.filter(({ id }) => ids.includes(id));
    expect(acks.map(({ id, data }) => [id, data.index])).toEqual(ids.map((id, n) => [id, n + 1]));
    // Sending has moved the marker, so each mark finds it at the message before.
    const marks = client.answers.filter(({ id }) => id.startsWith('read-'));
    expect(marks.map(({ data }) => data)).toEqual(
      [10, 20, 30, 40, 50].map((index) => ({ index, unread: 0 })),
    );
    await reader.waitFor((event) => event.data.index === 50);
    const heard = reader.events.filter((event) => event.chat === chat && event.type === 'message.created');
    expect(heard.map(({ data }) => data.message)).toEqual(ids.map((_, n) => `text ${n}`));
  });

  test('is refused with the code of REST', async () => {
    const gone = await alex.createChat([sam]);
    await alex.delete(`/api/chats/${gone}`);
    const client = await talk(sam);
    const ofOthers = await eve.createChat([]);
    const cases: [string, string, string][] = [
      ['not a uuid', 'nope', 'x'],
      ['an unknown chat', '00000000-0000-4000-8000-000000000000', 'x'],
      ['a deleted chat', gone, 'x'],
      ['a chat of others', ofOthers, 'x'],
      ['no text', chat, ''],
      ['white space', chat, ' \n '],
      ['a text that is too long', chat, 'x'.repeat(16_384)],
      ['half a character', chat, '\ud83d'],
    ];
    for (const [name, uuid, message] of cases) {
      const id = name.replaceAll(' ', '-');
      client.send({ type: 'send', id, chat: uuid, message });
      const { status, body } = await sam.post(`/api/chats/${uuid}/messages`, { type: 'message', message });
      expect(status, name).toBeGreaterThanOrEqual(400);
      const { code, reason, field } = body;
      expect(await client.answerTo(id), name).toEqual({ type: 'error', id, code, reason, field });
    }
    expect(client.hasEnded).toBe(false);
  });

  test('reaches rooms, too', async () => {
    const { chat: uuid } = await createRoom(alex, 'Room');
    const client = await talk(alex);
    client.send({ type: 'send', id: `room-${uuid}`, chat: uuid, message: 'hello' });
    expect((await client.answerTo(`room-${uuid}`)).data.index).toBe(0);
    await client.waitFor((event) => event.chat === uuid && event.type === 'message.created');
  });

  test('is limited together with REST', async () => {
    const limited = await startServer({ rateLimits: true });
    try {
      const ann = await limited.parley.signUp('ann');
      const uuid = await ann.createChat([]);
      const client = await talk(ann, limited);
      for (let n = 0; n < 300; n += 1) client.send({ type: 'send', id: `${n}`, chat: uuid, message: 'x' });
      const all = await answers(client, 300);
      const refused = all.filter(({ type }) => type === 'error');
      expect(refused.length).toBeGreaterThan(0);
      expect(all.length - refused.length).toBeGreaterThanOrEqual(200);
      for (const { id, code, reason, retryAfter } of refused) {
        expect({ id, code, reason }).toEqual({
          id: expect.any(String),
          code: 'rate_limited',
          reason: expect.any(String),
        });
        expect(retryAfter).toBeGreaterThanOrEqual(1);
      }
      expect(client.hasEnded).toBe(false);
      expect(await ann.texts(uuid, '?per_page=1000')).toHaveLength(1 + all.length - refused.length);
    } finally {
      for (const one of open.splice(0)) one.close();
      await limited.close();
    }
  });
});

describe('read', () => {
  test('is acknowledged with the marker, and told to the own streams', async () => {
    await alex.send(chat, 'one');
    await alex.send(chat, 'two');
    const [client, other, alexClient] = [await talk(sam), await talk(sam), await talk(alex)];
    client.send({ type: 'read', id: 'r1', chat, index: 1 });
    expect(await client.answerTo('r1')).toEqual({ type: 'ack', id: 'r1', data: { index: 1, unread: 1 } });
    client.send({ type: 'read', id: 'r2', chat, index: 0 });
    expect((await client.answerTo('r2')).data).toEqual({ index: 1, unread: 1 });
    for (const one of [client, other]) {
      const { data } = await one.waitFor((event) => event.chat === chat && event.type === 'chat.read');
      expect(data).toEqual({ index: 1, unread: 1 });
    }
    await sam.send(chat, 'three');
    await alexClient.waitFor((event) => event.chat === chat && event.data.message === 'three');
    expect(alexClient.types(chat)).toEqual(['message.created']);
  });

  test('is refused with the code of REST', async () => {
    const client = await talk(sam);
    const cases: [string, string, number][] = [
      ['never-sent', chat, 7],
      ['negative', chat, -1],
      ['no-integer', chat, 0.5],
      ['no-chat', 'nope', 0],
      ['of-others', await eve.createChat([]), 0],
    ];
    for (const [id, uuid, index] of cases) {
      client.send({ type: 'read', id, chat: uuid, index });
      const { code, reason, field } = (await sam.put(`/api/chats/${uuid}/read`, { index })).body;
      expect(code).toBeDefined();
      expect(await client.answerTo(id)).toEqual({ type: 'error', id, code, reason, field });
    }
  });
});

describe('typing', () => {
  test('is told to the others once, whatever the transport', async () => {
    const [client, own, reader] = [await talk(alex), await talk(alex), await talk(sam)];
    client.send({ type: 'typing', chat });
    client.send({ type: 'typing', chat });
    await expectPong(client);
    expectSuccess(await alex.post(`/api/chats/${chat}/typing`));
    await reader.waitFor('typing');
    await alex.send(chat, 'done');
    for (const one of [client, own, reader]) await one.waitFor((event) => event.data.message === 'done');
    expect(reader.types(chat)).toEqual(['typing', 'message.created']);
    expect(reader.events.find(({ type }) => type === 'typing')).toEqual({
      type: 'typing',
      chat,
      data: { username: 'alex' },
    });
    for (const one of [client, own]) expect(one.types(chat)).toEqual(['message.created']);
  });

  test('of somebody who is no member is an error', async () => {
    const client = await talk(eve);
    const reader = await talk(sam);
    client.send({ type: 'typing', chat });
    const [answer] = await answers(client, 1);
    expect(answer).toEqual({ type: 'error', code: 'not_a_member', reason: expect.any(String) });
    await alex.send(chat, 'next');
    await reader.waitFor('message.created');
    expect(reader.types(chat)).toEqual(['message.created']);
  });
});

describe('a connection', () => {
  /** Lets the time between two beats pass. */
  /** Ends the server's own beats. */
  const stopTicking = () => clearInterval(Reflect.get(server.app.get(Streams), 'timer') as NodeJS.Timeout);
  const beat = () => {
    const streams = server.app.get(Streams) as { tick(): void };
    for (let second = 0; second < 25; second += 1) streams.tick();
  };

  test('answers pings of the protocol and of its own', async () => {
    const client = await talk(sam);
    const pong = once(client.socket, 'pong');
    client.socket.ping('bytes');
    const [data] = (await pong) as [Buffer];
    expect(data.toString()).toBe('bytes');
    await expectPong(client);
  });

  test('is pinged in 25 s, and dropped if it has not answered the last ping', async () => {
    stopTicking();
    const client = await talk(sam);
    const silent = new WebSocket(`${server.url.replace('http', 'ws')}/api/ws`, { autoPong: false });
    keep({ close: () => silent.terminate() });
    await once(silent, 'open');
    silent.send(JSON.stringify({ type: 'hello', token: sam.token }));
    await once(silent, 'message');
    const pinged = once(client.socket, 'ping');
    const closed = once(silent, 'close');
    beat();
    await pinged;
    // The server has read the pong before this.
    await expectPong(client);
    beat();
    const [code] = (await closed) as [number];
    // Disconnected without a close frame.
    expect(code).toBe(1006);
    await expectPong(client);
    expect(client.hasEnded).toBe(false);
  });

  test('ends with what its client says, and its place is free', async () => {
    const client = await talk(sam);
    client.socket.close(1000, 'bye');
    expect(await client.waitForEnd()).toEqual({ code: 1000 });
    await until('the end', () => (streamsOf(server).size === 0 ? true : undefined));
  });

  test('that breaks during a replay leaves nothing behind, and a slow one gets all of it', async () => {
    const { id } = expectSuccess(await sam.get('/api/events')).data;
    const long = '🚢'.repeat(16_000);
    for (let n = 0; n < 15; n += 1) {
      await Promise.all(Array.from({ length: 10 }, () => alex.send(chat, long)));
    }
    const [slow, broken] = [await connect(), await connect()];
    for (const { socket } of [slow, broken]) {
      socket.pause();
      socket.send(JSON.stringify({ type: 'hello', token: sam.token, since: id }));
    }
    const waiting = () =>
      [...streamsOf(server)].filter((stream) => {
        const outlet = Reflect.get(stream, 'outlet') as { waitingBytes: number };
        return outlet.waitingBytes > 0;
      });
    await until('both to wait', () => (waiting().length === 2 ? true : undefined));
    await alex.send(chat, 'last');
    broken.close();
    await until('the end of one', () => (streamsOf(server).size === 1 ? true : undefined));
    slow.socket.resume();
    await slow.waitFor((event) => event.chat === chat && event.data.message === 'last');
    const indexes = slow.events.filter((event) => event.chat === chat).map(({ data }) => data.index);
    expect(indexes).toEqual(Array.from({ length: 151 }, (_, n) => n + 1));
  });
});

describe.skipIf(hasNoBrowser)('two pages of another origin', () => {
  let browser: Browser;
  let site: Server;

  beforeAll(async () => {
    site = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html>'),
    );
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    browser = await launchBrowser();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  async function openPage({ token }: Member): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    await page.evaluate(`new Promise((resolve, reject) => {
      window.frames = [];
      window.socket = new WebSocket(${JSON.stringify(`${server.url.replace('http', 'ws')}/api/ws`)});
      socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', token: ${JSON.stringify(token)} }));
      socket.onclose = ({ code }) => reject(new Error('closed with ' + code));
      socket.onmessage = ({ data }) => {
        window.frames.push(JSON.parse(data));
        resolve();
      };
    })`);
    return page;
  }

  const say = (page: Page, id: string, message: string) =>
    page.evaluate(`socket.send(JSON.stringify(${JSON.stringify({ type: 'send', id, chat, message })}))`);

  test('talk to each other', async () => {
    const pages = await Promise.all([alex, sam].map(openPage));
    const [ofAlex, ofSam] = pages;
    await say(ofAlex, `a-${chat}`, 'Hello from a page 🚢');
    await ofSam.waitForFunction(`window.frames.some(({ type }) => type === 'message.created')`);
    await say(ofSam, `s-${chat}`, 'Hello back');
    for (const page of pages) {
      await page.waitForFunction(
        `window.frames.filter(({ type }) => type === 'message.created').length === 2 && window.frames.some(({ type }) => type === 'ack')`,
      );
      const frames = (await page.evaluate('window.frames')) as Json[];
      expect(frames[0]).toMatchObject({ type: 'ready', recovered: false });
      const events = frames.filter(({ type }) => type === 'message.created');
      expect(events.map(({ data }) => [data.sender.username, data.message])).toEqual([
        ['alex', 'Hello from a page 🚢'],
        ['sam', 'Hello back'],
      ]);
      expect(frames.filter(({ type }) => type === 'ack')).toHaveLength(1);
    }
    await Promise.all(pages.map((page) => page.close()));
  });
});

test('a WebSocket follows as the other transports do', async () => {
  const client = keep(await followSocket(sam));
  await alex.send(chat, 'hello');
  const event = await client.waitFor((one) => one.chat === chat && one.type === 'message.created');
  expect(event.data).toMatchObject({ index: 1, message: 'hello' });
});
