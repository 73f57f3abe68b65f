import { Agent, get as httpGet, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { LOG_LIFETIME_US } from '#src/changes/change-log.js';
import { DatabaseUnavailable } from '#src/database/driver-errors.js';
import { now } from '#src/helpers/clock.js';
import { type Cursor, decodeCursor, encodeCursor } from '#src/live/cursor.js';
import { FanOut } from '#src/live/fan-out.js';
import { Replays } from '#src/live/replay.js';
import { Streams } from '#src/live/streams.service.js';
import { expectFailure } from '../support/failure.js';
import { connectTo } from '../support/file-server.js';
import { Filler, numbers } from '../support/fill.js';
import { claimsOf, signJwt } from '../support/jwt.js';
import { followPolls, followSocket, followSse, LiveClient, openEvents, TRANSPORTS } from '../support/live.js';
import { expectSuccess, type Json, Member } from '../support/parley.js';
import { createTestDatabase, startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

const LONG = '🚢'.repeat(16_000);

/** SSE ends lines at CR and LF alone. */
const LINES = 'one\ntwo\r\n\nid: 7\n\u2028\u0085three 🚢';

let server: TestServer;
let filler: Filler;
let alex: Member;
let sam: Member;
let chat: string;
let kims = 0;
const open: { close(): void }[] = [];

beforeAll(async () => {
  server = await startServer();
  filler = new Filler(server);
  [alex, sam] = await Promise.all(['alex', 'sam'].map((name) => server.parley.signUp(name)));
  chat = await alex.createChat([sam]);
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const one of open.splice(0)) one.close();
  await until('all streams to close', () => (streamsOf(server).size === 0 ? true : undefined));
});

afterAll(() => server.close());

const streamsOf = ({ app }: TestServer) => Reflect.get(app.get(Streams), 'streams') as Set<object>;

function followersOf({ token }: Member): number {
  const followers = Reflect.get(server.app.get(FanOut), 'followers') as Map<number, Set<object>>;
  return followers.get(Number(claimsOf(token).sub))?.size ?? 0;
}

const untilFollowers = (member: Member, count: number) =>
  until(`${count} followers`, () => (followersOf(member) === count ? true : undefined));

function keep<T extends { close(): void }>(one: T): T {
  open.push(one);
  return one;
}

const follow = async (...args: Parameters<typeof followSse>) => keep(await followSse(...args));

/** Polls once. */
async function poll(member: Member, since?: string, wait = 0): Promise<Json> {
  const query = since === undefined ? '' : `&since=${encodeURIComponent(since)}`;
  return expectSuccess(await member.get(`/api/events?wait=${wait}${query}`)).data;
}

const idNow = async (member: Member): Promise<string> => (await poll(member)).id;

const textsIn = (events: Json[], uuid = chat): string[] =>
  events
    .filter((event) => event.chat === uuid && event.type === 'message.created')
    .map(({ data }) => data.message);

/** Opens a stream as it is on the wire. */
async function openRaw(member: Member, headers: Record<string, string>, query = '') {
  const { response, close } = await openEvents(member, headers, query);
  const raw = keep({ headers: response.headers, text: '', close });
  response.on('data', (chunk: string) => (raw.text += chunk)).on('error', () => {});
  return raw;
}

const EVENT_STREAM = { accept: 'text/event-stream' };

describe('a stream of server-sent events', () => {
  test('begins with ready, and each event is one block with its id', async () => {
    // A beat would come between them.
    const streams = server.app.get(Streams) as { tick(): void };
    vi.spyOn(streams, 'tick').mockReturnValue();
    const stream = await openRaw(sam, EVENT_STREAM);
    const { headers } = stream;
    expect(headers['content-type']).toMatch(/^text\/event-stream\b/);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['x-request-id']).toMatch(/^[\w-]{36}$/);
    await until('ready', () => (stream.text.endsWith('\n\n') ? true : undefined));
    const [, id, retry, data] =
      /^id: (\S+)\nevent: ready\nretry: (\d+)\ndata: (.*)\n\n$/.exec(stream.text) ?? [];
    expect(id.length).toBeLessThanOrEqual(512);
    expect(Number(retry)).toBeGreaterThanOrEqual(1_000);
    expect(Number(retry)).toBeLessThanOrEqual(5_000);
    expect(JSON.parse(data)).toEqual({ recovered: false });

    const before = stream.text.length;
    await alex.send(chat, LINES);
    const block = await until('an event', () => stream.text.slice(before) || undefined);
    const [, eventId, type, json] = /^id: (\S+)\nevent: (\S+)\ndata: ([^\n\r]*)\n\n$/.exec(block) ?? [];
    expect(type).toBe('message.created');
    expect(JSON.parse(json)).toMatchObject({
      id: eventId,
      type,
      chat,
      data: { message: LINES },
    });
  });

  test('waits a random time before it comes back', async () => {
    const streams = await Promise.all(Array.from({ length: 8 }, () => openRaw(sam, EVENT_STREAM)));
    const times = streams.map((stream) => until('retry', () => /^retry: (\d+)$/m.exec(stream.text)?.[1]));
    expect(new Set(await Promise.all(times)).size).toBeGreaterThan(1);
  });

  test('begins when the client asks for one, in any way', async () => {
    for (const accept of [
      'text/event-stream',
      'TEXT/Event-Stream',
      'text/event-stream; charset=utf-8',
      'text/html, text/event-stream;q=0.9, */*;q=0.1',
      'application/json,text/event-stream',
    ]) {
      const { headers } = await openRaw(sam, { accept });
      expect(headers['content-type'], accept).toMatch(/^text\/event-stream/);
    }
    for (const accept of [
      '*/*',
      'application/json',
      'text/*',
      'text/event-streams',
      'x/text/event-stream',
      'x',
    ]) {
      const { headers } = await openRaw(sam, { accept });
      expect(headers['content-type'], accept).toMatch(/^application\/json/);
    }
  });

  test('resumes from Last-Event-ID rather than from ?since', async () => {
    const id = await idNow(sam);
    await alex.send(chat, 'missed');
    const cases: [header: string | undefined, since: string, recovered: boolean][] = [
      [undefined, id, true],
      [id, 'nonsense', true],
      ['nonsense', id, false],
    ];
    for (const [header, since, recovered] of cases) {
      const headers = header === undefined ? EVENT_STREAM : { ...EVENT_STREAM, 'last-event-id': header };
      const stream = await openRaw(sam, headers, `?since=${since}`);
      await until('ready', () => (stream.text.includes(`{"recovered":${recovered}}`) ? true : undefined));
      if (recovered) await until('missed', () => (stream.text.includes('missed') ? true : undefined));
    }
  });

  test('has a comment once in 25 s', async () => {
    const stream = await openRaw(sam, EVENT_STREAM);
    await until('ready', () => stream.text || undefined);
    const streams = server.app.get(Streams) as { tick(): void };
    for (let second = 0; second < 50; second += 1) streams.tick();
    await until('comments', () => (stream.text.endsWith('\n\n:\n\n:\n\n') ? true : undefined));
    // The server's own clock may add one.
    expect(stream.text.match(/^:/gm)?.length).toBeLessThanOrEqual(3);
  });

  test('is refused as any other call', async () => {
    for (const headers of [EVENT_STREAM, {}]) {
      expectFailure(await server.parley.get('/api/events', { headers }), 401);
      expectFailure(await server.parley.get('/api/events', { headers, token: 'x' }), 401);
      for (const query of ['wait=31', 'wait=-1', 'wait=1.5', 'wait=x', 'since=a&since=b']) {
        const answer = await sam.get(`/api/events?${query}`, { headers });
        expect(answer.body, query).toMatchObject({
          code: 'invalid_field',
          field: query.slice(0, query.indexOf('=')),
        });
      }
    }
  });

  test('is 503 before it starts when the database is away, and takes no place', async () => {
    vi.spyOn(server.app.get(Replays), 'find').mockRejectedValue(new DatabaseUnavailable());
    for (const headers of [EVENT_STREAM, {}]) {
      const answer = await sam.get('/api/events', { headers });
      expectFailure(answer, 503);
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    const socket = keep(await followSocket(sam));
    expect(await socket.waitForEnd()).toEqual({ code: 1012 });
    expect(streamsOf(server).size).toBe(0);
    expect(followersOf(sam)).toBe(0);
  });

  test('leaves its connection to nobody when it ends', async () => {
    const token = await server.parley.login('sam', sam.password);
    const socket = await connectTo(server.url);
    keep({ close: () => socket.destroy() });
    let text = '';
    socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
    const ended = once(socket, 'end');
    socket.write(
      `GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: ${token}\r\nAccept: text/event-stream\r\n\r\n`,
    );
    await until('ready', () => (text.includes('recovered') ? true : undefined));
    await server.parley.get('/api/auth/logout', { token });
    await ended;
    expect(text).toContain('event: closed\ndata: {"code":"token_invalid"}\n\n');
    // Otherwise a client takes the connection for its next call, which the server cuts off.
    expect(text).toMatch(/^connection: close\r$/im);
  });
});

test('a stream that ends before it is ready is answered with an error', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const replays = server.app.get(Replays);
  const find = replays.find.bind(replays);
  vi.spyOn(replays, 'find').mockImplementation(async (...args) => {
    await held;
    return find(...args);
  });
  const answer = sam.get('/api/events', { headers: EVENT_STREAM });
  await untilFollowers(sam, 1);
  server.app.get(FanOut).endAll('restart');
  release();
  expectFailure(await answer, 503);
});

describe('a poll', () => {
  test('without an id answers at once with the present id and no events', async () => {
    const { events, id, recovered } = await poll(sam, undefined, 30);
    expect({ events, recovered }).toEqual({ events: [], recovered: false });
    expect(id.length).toBeLessThanOrEqual(512);
    await alex.send(chat, 'later');
    expect(textsIn((await poll(sam, id)).events)).toEqual(['later']);
  });

  test('answers the same again when its id is used again', async () => {
    const id = await idNow(sam);
    await alex.send(chat, 'one');
    await sam.put(`/api/chats/${chat}/read`, { index: 0 });
    await alex.send(chat, 'two');
    const [first, second] = [await poll(sam, id), await poll(sam, id, 30)];
    expect(second.events).toEqual(first.events);
    expect(textsIn(first.events)).toEqual(['one', 'two']);
    expect((await poll(sam, first.id)).events).toEqual([]);
    expect((await poll(sam, second.id)).events).toEqual([]);
  });

  test('waits until there is an event, or until the wait is over', async () => {
    const id = await idNow(sam);
    const waiting = poll(sam, id, 30);
    await untilFollowers(sam, 1);
    await alex.send(chat, 'news');
    const { events, recovered } = await waiting;
    expect(textsIn(events)).toEqual(['news']);
    expect(recovered).toBe(true);
    expect(await poll(sam, id, 0)).toMatchObject({ recovered: true });

    const nothing = await poll(sam, await idNow(sam), 1);
    expect(nothing).toMatchObject({ events: [], recovered: true });
    expect((await poll(sam, nothing.id)).events).toEqual([]);
  });

  test('waits for news with events in 20 chats', async () => {
    const member = await server.parley.signUp('busy');
    const chats = await Promise.all(Array.from({ length: 20 }, () => alex.createChat([member])));
    for (const uuid of chats) await alex.send(uuid, 'hello');
    const stream = await follow(member);
    // What is told of the new chats now is old news for the polls.
    for (const uuid of chats) await alex.send(uuid, 'again');
    await until('all news', () => (textsIn(stream.events, chats[19]).includes('again') ? true : undefined));
    let id = await idNow(member);
    for (let n = 0; n < 25; n += 1) {
      const waiting = poll(member, id, 30);
      await untilFollowers(member, 2);
      await alex.send(chats[(n * 7) % 20], `news ${n}`);
      const answer = await waiting;
      expect(answer.events.map(({ data }: Json) => data.message)).toEqual([`news ${n}`]);
      expect(answer.id.length).toBeLessThanOrEqual(512);
      ({ id } = answer);
      // A waiting poll would answer at once.
      expect((await poll(member, id)).events).toEqual([]);
    }
  });

  test('ends when its client is gone', async () => {
    const gone = new AbortController();
    const request = fetch(`${server.url}/api/events?wait=30&since=${await idNow(sam)}`, {
      headers: { authorization: sam.token },
      signal: gone.signal,
    });
    await untilFollowers(sam, 1);
    gone.abort();
    await expect(request).rejects.toThrow();
    await untilFollowers(sam, 0);
  });

  test('tells of a marker behind the messages that its number of unread ones counts', async () => {
    const uuid = await alex.createChat([sam]);
    const id = await idNow(sam);
    expectSuccess(await sam.put(`/api/chats/${uuid}/read`, { index: 0 }));
    await alex.send(uuid, 'next');
    const { events } = await poll(sam, id);
    const told = events.filter((event: Json) => event.chat === uuid);
    expect(told.map(({ type }: Json) => type)).toEqual(['message.created', 'chat.read']);
    expect(told[1].data).toEqual({ index: 0, unread: 1 });
  });

  test('leaves nothing on its connection', async () => {
    const sockets: Socket[] = [];
    server.app.getHttpServer().on('connection', (socket: Socket) => sockets.push(socket));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    const listeners: (number | undefined)[] = [];
    for (let n = 0; n < 8; n += 1) {
      const request = httpGet(`${server.url}/api/events`, { agent, headers: { authorization: sam.token } });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const port = request.socket?.localPort;
      await once(response.resume(), 'end');
      ports.add(port);
      // Clients of other tests may connect, too.
      const socket = sockets.find(({ remotePort }) => remotePort === port);
      listeners.push(socket?.listenerCount('close'));
    }
    agent.destroy();
    expect(ports.size).toBe(1);
    expect(listeners[7]).toBeGreaterThan(0);
    expect(listeners[7]).toBe(listeners[3]);
  });
});

describe('an id', () => {
  const change = async (changes: (cursor: Cursor) => Partial<Cursor>) => {
    const cursor = decodeCursor(await idNow(sam));
    if (!cursor) throw new Error('no cursor');
    return encodeCursor({ ...cursor, ...changes(cursor) });
  };

  test.each<[string, () => string | Promise<string>]>([
    ['empty', () => ''],
    ['malformed', () => 'nonsense'],
    ['a JSON text', () => '{"id":1}'],
    ['cut off', async () => (await idNow(sam)).slice(0, 12)],
    ['too long', async () => `${await idNow(sam)}${'.1_1_1_1'.repeat(100)}`],
    ['of another database', () => change(() => ({ epoch: '00000000' }))],
    ['too old', () => change(({ at }) => ({ at: at - LOG_LIFETIME_US - 1_000_000, known: [] }))],
    ['ahead in time', () => change(({ at }) => ({ at: at + 600_000_000 }))],
    [
      'ahead in a chat',
      () => change(({ known }) => ({ known: known.map((one) => ({ ...one, seq: one.seq + 9 })) })),
    ],
    [
      'of a chat that this database does not have',
      () => change(({ at, known }) => ({ known: [{ ...known[0], chatId: 999_999, at }] })),
    ],
  ])('that is %s recovers nothing, and a new one is told', async (_, make) => {
    const id = await make();
    await alex.send(chat, 'missed');
    for (const start of [followSse, followSocket, followPolls]) {
      const client = keep(await start(sam, encodeURIComponent(id) === id ? id : 'x'));
      expect(client.recovered).toBe(false);
      client.close();
    }
    const answer = await poll(sam, id, 30);
    expect({ events: answer.events, recovered: answer.recovered }).toEqual({ events: [], recovered: false });
    expect((await poll(sam, answer.id)).recovered).toBe(true);
  });

  test('that is almost 7 days old recovers', async () => {
    const id = await change(({ at }) => ({ at: at - LOG_LIFETIME_US + 60_000_000, known: [], digest: '' }));
    expect((await poll(sam, id)).recovered).toBe(true);
  });

  test('of another user tells nothing of their chats', async () => {
    const eve = await server.parley.signUp('eve');
    const id = await idNow(sam);
    await alex.send(chat, 'secret');
    expect((await poll(eve, id)).events).toEqual([]);
  });
});

describe('what was missed', () => {
  /** Sends messages by the hundreds, just now. */
  async function fill(uuid: string, count: number): Promise<void> {
    const chatId = await filler.idOf('chats', 'uuid', uuid);
    const senderId = await filler.idOf('users', 'username', 'alex');
    const [{ next }] = await filler.query<{ next: number }>(
      'SELECT next_seq AS next FROM chats WHERE id = ?',
      [chatId],
    );
    const at = now();
    await filler.query(
      `INSERT INTO messages (chat_id, seq, sender_id, type, text, sent_at)
       SELECT ?, ${next} + n, ?, 'message', CONCAT('text ', n), ${at} + n FROM ${numbers(count)}`,
      [chatId, senderId],
    );
    await filler.query('UPDATE chats SET next_seq = next_seq + ?, last_sent_at = ? WHERE id = ?', [
      count,
      at + count - 1,
      chatId,
    ]);
  }

  const texts = (count: number) => Array.from({ length: count }, (_, n) => `text ${n}`);

  /** Has no chats but those of the test. */
  let kim: Member;

  beforeEach(async () => {
    kims += 1;
    kim = await server.parley.signUp(`kim${kims}`);
  });

  async function openChats(count: number): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, () => alex.createChat([kim])));
  }

  test('of one chat, up to 500 events, is told whole', async () => {
    const [uuid] = await openChats(1);
    const id = await idNow(kim);
    await fill(uuid, 500);
    for (const [, start] of TRANSPORTS) {
      const client = keep(await start(kim, id));
      await until('all', () => (client.types(uuid).length === 500 ? true : undefined));
      expect(textsIn(client.events, uuid)).toEqual(texts(500));
      client.close();
    }
  });

  test('of one chat, more than 500 events, ends with chat.limited', async () => {
    const [uuid] = await openChats(1);
    const stream = await follow(kim);
    await alex.send(uuid, 'last seen');
    const { id } = await stream.waitFor((event) => event.chat === uuid && event.type === 'message.created');
    stream.close();
    await fill(uuid, 700);
    for (const [name, start] of TRANSPORTS) {
      const client = keep(await start(kim, id));
      // Polls go on after the first 500.
      const most = name === 'polls' ? 700 : 500;
      const isLimited = () => client.types(uuid).at(-1) === 'chat.limited';
      await until('the end', () => (isLimited() || client.events.length >= 700 ? true : undefined));
      const told = textsIn(client.events, uuid);
      expect(told.length, name).toBeLessThanOrEqual(most);
      expect(told, name).toEqual(texts(told.length));
      if (told.length < 700) expect(isLimited(), name).toBe(true);
      const { lastId } = client;
      client.close();
      expect(textsIn((await poll(kim, lastId)).events, uuid)).toEqual([]);
    }
  });

  test('of many chats, more than 5,000 events, is limited in the chats whose rest is not told', async () => {
    const chats = await openChats(12);
    const id = await idNow(kim);
    for (const uuid of chats) await fill(uuid, 450);
    const client = await follow(kim, id);
    const isDone = (uuid: string) =>
      client.types(uuid).length === 450 || client.types(uuid).at(-1) === 'chat.limited';
    await until('all chats', () => (chats.every(isDone) ? true : undefined));
    const count = client.events.filter(({ type }) => type === 'message.created').length;
    expect(count).toBeLessThanOrEqual(5_000);
    expect(count).toBeGreaterThanOrEqual(4_500);
    for (const uuid of chats) {
      const told = textsIn(client.events, uuid);
      expect(told).toEqual(texts(told.length));
    }
  });

  test('is told by polls of at most 500 events', async () => {
    const chats = await openChats(3);
    let id = await idNow(kim);
    for (const uuid of chats) await fill(uuid, 400);
    const events: Json[] = [];
    for (let n = 0; n < 12; n += 1) {
      const answer = await poll(kim, id);
      expect(answer.recovered).toBe(true);
      expect(answer.events.length).toBeLessThanOrEqual(500);
      if (answer.events.length === 0) break;
      events.push(...answer.events);
      ({ id } = answer);
    }
    for (const uuid of chats) {
      // At least once.
      expect(new Set(textsIn(events, uuid)).size, 'messages told').toBe(400);
    }
    expect((await poll(kim, id)).events).toEqual([]);
  });

  test('is told by polls of at most 1 MiB', async () => {
    const [uuid] = await openChats(1);
    const id = await idNow(kim);
    await Promise.all(Array.from({ length: 20 }, () => alex.send(uuid, LONG)));
    const first = await poll(kim, id);
    const bytes = (data: Json) => Buffer.byteLength(JSON.stringify(data));
    expect(bytes(first)).toBeLessThanOrEqual(1_048_576 + 4_096);
    const second = await poll(kim, first.id);
    expect(bytes(second)).toBeLessThanOrEqual(1_048_576 + 4_096);
    const indexes = [first, second].flatMap(({ events }) => events.map(({ data }: Json) => data.index));
    expect(new Set(indexes).size).toBe(20);
    expect((await poll(kim, second.id)).events).toEqual([]);
  });

  test('while messages are sent, nothing', async () => {
    const [uuid] = await openChats(1);
    const id = await idNow(kim);
    const clients: Promise<LiveClient>[] = [];
    for (let n = 0; n < 45; n += 1) {
      await alex.send(uuid, `message ${n}`);
      if (n % 5 === 0) {
        const [, start] = TRANSPORTS[(n / 5) % TRANSPORTS.length];
        clients.push(start(kim, id).then(keep));
      }
    }
    const expected = Array.from({ length: 45 }, (_, n) => `message ${n}`);
    for (const client of await Promise.all(clients)) {
      await until('the last message', () =>
        textsIn(client.events, uuid).includes('message 44') ? true : undefined,
      );
      // An event may be told twice.
      expect([...new Set(textsIn(client.events, uuid))]).toEqual(expected);
    }
  });
});

describe('at most 20 streams of a user', () => {
  test('are open, polls do not count, and a place becomes free when one is closed', async () => {
    const member = await server.parley.signUp('many');
    const clients = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? followSocket : followSse)(member).then(keep)),
    );
    const refusal = await member.get('/api/events', { headers: EVENT_STREAM });
    expectFailure(refusal, 429);
    expect(refusal.body.code).toBe('rate_limited');
    expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await (await followSocket(member)).waitForEnd()).toEqual({ code: 4429 });
    expect((await poll(member)).events).toEqual([]);
    await follow(sam);

    for (const client of clients.slice(0, 2)) {
      const before = streamsOf(server).size;
      client.close();
      await until('a free place', () => (streamsOf(server).size === before - 1 ? true : undefined));
      expect((await follow(member)).hasEnded).toBe(false);
    }
    expectFailure(await member.get('/api/events', { headers: EVENT_STREAM }), 429);
  });
});

describe('a stream ends', () => {
  /** Follows over each transport; the polls wait. */
  const followAll = (member: Pick<Member, 'parley' | 'token'>) =>
    Promise.all(TRANSPORTS.map(([, start]) => start(member).then(keep)));
  const endings = (clients: LiveClient[]) => Promise.all(clients.map((client) => client.waitForEnd()));
  const REVOKED = [{ code: 'token_invalid' }, { code: 4401 }, { code: 'token_invalid' }];

  test('when its user logs out, and others do not', async () => {
    const token = await server.parley.login('sam', sam.password);
    const clients = await followAll({ parley: server.parley, token });
    const other = await follow(sam);
    expectSuccess(await server.parley.get('/api/auth/logout', { token }));
    expect(await endings(clients)).toEqual(REVOKED);
    await alex.send(chat, 'goes on');
    await other.waitFor('message.created');
    expect(other.hasEnded).toBe(false);
  });

  test('when its token expires', async () => {
    const exp = Math.floor(Date.now() / 1000) + 4;
    const token = signJwt({ ...claimsOf(sam.token), exp }, server.settings.jwtSecret);
    const clients = await followAll({ parley: server.parley, token });
    expect(await endings(clients)).toEqual(REVOKED);
    expect(Date.now() / 1000).toBeGreaterThanOrEqual(exp);
  });

  test('when the server stops, and goes on with the next one', async () => {
    const database = await createTestDatabase();
    const first = await startServer({}, database);
    const [ann, bob] = await Promise.all(['ann', 'bob'].map((name) => first.parley.signUp(name)));
    const uuid = await ann.createChat([bob]);
    const clients = await Promise.all([followSse(bob), followSocket(bob)]);
    await ann.send(uuid, 'before');
    for (const client of clients) await client.waitFor('message.created');
    const waiting = bob.get(`/api/events?wait=30&since=${await idNow(bob)}`);
    await until('the poll to wait', () => {
      const followers = Reflect.get(first.app.get(FanOut), 'followers') as Map<number, Set<object>>;
      return followers.get(Number(claimsOf(bob.token).sub))?.size === 3 ? true : undefined;
    });
    await first.stop();
    expect(await endings(clients)).toEqual([{ code: 'restart' }, { code: 1012 }]);
    const polled = expectSuccess(await waiting).data;
    expect(polled.events).toEqual([]);

    const second = await startServer({}, database);
    try {
      const move = ({ username, token }: Member) =>
        new Member(second.parley, username, username, '', '', token);
      await move(ann).send(uuid, 'after');
      for (const [n, [, start]] of TRANSPORTS.entries()) {
        const since = n < 2 ? clients[n].lastId : polled.id;
        const client = await start(move(bob), since);
        expect(client.recovered).toBe(true);
        await until('after', () => (textsIn(client.events, uuid).at(-1) === 'after' ? true : undefined));
        expect(textsIn(client.events, uuid)).toEqual(['after']);
        client.close();
      }
    } finally {
      await second.close();
    }
  });

  const READERS: [string, (member: Member) => string, string][] = [
    [
      'SSE',
      ({ token }) =>
        `GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: ${token}\r\nAccept: text/event-stream\r\n\r\n`,
      'event: closed\ndata: {"code":"too_slow"}\n\n\r\n0\r\n\r\n',
    ],
    [
      'WebSocket',
      ({ token }) =>
        `GET /api/ws HTTP/1.1\r\nHost: x\r\nAuthorization: ${token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      // A close frame with the code 4413.
      '\u0088\n\u0011=too_slow',
    ],
  ];

  /** The server gives a client that is cut off 2 s to read its end: here 20 s, for a slow machine. */
  function lingerLonger(): void {
    const later = globalThis.setTimeout;
    vi.spyOn(globalThis, 'setTimeout').mockImplementation((run: () => void, ms?: number) =>
      later(run, ms === 2_000 ? 20_000 : ms),
    );
  }

  /** Opens a stream whose client does not read. */
  async function openUnread(kind: string, head: (member: Member) => string) {
    lingerLonger();
    const socket = await connectTo(server.url);
    keep({ close: () => socket.destroy() });
    socket.write(head(sam));
    if (kind === 'WebSocket') {
      await once(socket, 'data');
      // Masked with zeros.
      const hello = Buffer.from('{"type":"hello"}');
      socket.write(Buffer.concat([Buffer.from([0x81, 0x80 + hello.length, 0, 0, 0, 0]), hello]));
    }
    await once(socket, 'data');
    socket.pause();
    const [stream] = streamsOf(server);
    return { socket, stream, outlet: Reflect.get(stream, 'outlet') as { waitingBytes: number } };
  }

  /** Reads on, until the last bytes fit. */
  async function readUntil(socket: Socket, ending: string): Promise<void> {
    let last = '';
    socket.on('data', (bytes: Buffer) => (last = (last + bytes.toString('latin1')).slice(-200)));
    socket.resume();
    await until('the end', () => (last.endsWith(ending) ? true : undefined));
  }

  test.each(READERS)(
    'over %s when its client does not read, and slows nobody',
    async (kind, head, ending) => {
      const { socket, stream, outlet } = await openUnread(kind, head);
      const reader = await follow(alex);
      let sent = 0;
      let mostWaiting = 0;
      while (streamsOf(server).has(stream)) {
        await Promise.all(Array.from({ length: 8 }, () => alex.send(chat, LONG)));
        sent += 8;
        mostWaiting = Math.max(mostWaiting, outlet.waitingBytes);
        if (sent > 400) throw new Error('the client is not cut off');
        await until('the reader to hear', () => (textsIn(reader.events).length >= sent ? true : undefined));
      }
      expect(mostWaiting).toBeLessThan(2 * 1_048_576);
      await readUntil(socket, ending);
      expect(reader.hasEnded).toBe(false);
    },
  );

  test.each(READERS)('over %s when its client reads nothing for 30 s', async (kind, head, ending) => {
    const { socket, stream, outlet } = await openUnread(kind, head);
    for (let sent = 0; outlet.waitingBytes === 0; sent += 4) {
      await Promise.all(Array.from({ length: 4 }, () => alex.send(chat, LONG)));
      if (sent > 400) throw new Error('nothing waits');
    }
    const streams = server.app.get(Streams) as { tick(): void };
    const realNow = performance.now.bind(performance);
    const passTime = (ms: number) => vi.spyOn(performance, 'now').mockImplementation(() => realNow() + ms);
    streams.tick();
    passTime(25_000);
    streams.tick();
    expect(streamsOf(server).has(stream)).toBe(true);
    passTime(31_000);
    streams.tick();
    expect(streamsOf(server).has(stream)).toBe(false);
    await readUntil(socket, ending);
  });
});
