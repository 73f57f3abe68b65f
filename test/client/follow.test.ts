import { type ConnectionState, type LiveEvent, ParleyClient, ParleyError, type Ready } from '@parley/client';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Streams } from '#src/live/streams.service.js';
import { createChat, joinAs, openClient, shortenWaits } from '../support/parley-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

let server: TestServer;
let users = 0;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.close());

shortenWaits();

/** What a proxy lets not pass, so that the transport is used. */
const TRANSPORTS: [name: string, blocked: RegExp | undefined, streams: object][] = [
  ['a WebSocket', undefined, { websocket: 1, sse: 0 }],
  ['server-sent events', /upgrade: websocket/i, { websocket: 0, sse: 1 }],
  ['polls', /upgrade: websocket|text\/event-stream/i, { websocket: 0, sse: 0 }],
];

async function openProxy(blocked?: RegExp): Promise<TcpProxy> {
  const { hostname, port } = new URL(server.url);
  const proxy = new TcpProxy({ host: hostname, port: Number(port) });
  proxy.blocked = blocked;
  await proxy.open();
  onTestFinished(() => proxy.cut());
  return proxy;
}

/** Returns two new users with a chat; the first one is behind the proxy. */
async function meet(proxy: TcpProxy) {
  users += 1;
  const direct = await joinAs(`sam${users}`, server.url);
  const { session } = await joinAs(`alex${users}`, server.url);
  const client = openClient({ url: proxy.url, session: session! });
  const chat = await createChat(direct, [`alex${users}`]);
  return { client, direct, chat };
}

const isOnline = (client: ParleyClient) => until('events', () => client.connection === 'online' || undefined);

/** Collects what the client is told. */
function collect(client: ParleyClient): (LiveEvent | Ready)[] {
  const events: (LiveEvent | Ready)[] = [];
  client.on('event', (event) => events.push(event));
  return events;
}

const textsOf = (events: (LiveEvent | Ready)[]) =>
  events.flatMap((event) => (event.type === 'message.created' ? [event.data.message] : []));

describe.each(TRANSPORTS)('over %s', (_name, blocked, streams) => {
  test('events come, and after a lost connection those that were missed', async () => {
    const proxy = await openProxy(blocked);
    const { client, direct, chat } = await meet(proxy);
    const events = collect(client);
    client.connect();
    await isOnline(client);
    expect(server.app.get(Streams).countByTransport()).toEqual(streams);
    await direct.send(chat, 'one').sent;
    await until('the first', () => textsOf(events).length === 1 || undefined);

    await proxy.cut();
    await until('the loss', () => client.connection !== 'online' || undefined);
    for (const text of ['two', 'three', 'four']) await direct.send(chat, text).sent;
    await proxy.open();
    await until('what was missed', () => textsOf(events).includes('four') || undefined);
    expect([...new Set(textsOf(events))]).toEqual(['one', 'two', 'three', 'four']);
    const ready = events.filter(({ type }) => type === 'ready');
    expect(ready).toMatchObject([{ recovered: false }, { recovered: true }]);

    await direct.send(chat, 'five').sent;
    await until('news', () => textsOf(events).includes('five') || undefined);
  });

  test('a token that is revoked ends everything, and a login goes on', async () => {
    const { client, direct, chat } = await meet(await openProxy(blocked));
    const states: ConnectionState[] = [];
    client.on('connection', (state) => states.push(state));
    const { token, user } = client.session!;
    client.connect();
    await isOnline(client);
    await direct.api.GET('/api/auth/logout', { headers: { authorization: token } });
    await until('the end', () => client.connection === 'refused' || undefined);
    expect(states).toEqual(['connecting', 'online', 'refused']);

    await direct.send(chat, 'meanwhile').sent;
    const events = collect(client);
    await client.login(user.username, 'correct horse');
    await until('what was missed', () => textsOf(events).includes('meanwhile') || undefined);
  });
});

test.each(TRANSPORTS.slice(0, 2))(
  'silence over %s is noticed, whatever the garbage collector takes',
  async (_name, blocked) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'], shouldAdvanceTime: true });
    onTestFinished(() => void vi.useRealTimers());
    const proxy = await openProxy(blocked);
    const { client, direct, chat } = await meet(proxy);
    const events = collect(client);
    client.connect();
    await isOnline(client);
    proxy.freeze();
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    await direct.send(chat, 'one').sent;
    vi.advanceTimersByTime(60_000);
    await until('the event', () => textsOf(events).includes('one') || undefined);
  },
);

test('after an hour on another transport, the best one gets another chance', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'], shouldAdvanceTime: true });
  onTestFinished(() => void vi.useRealTimers());
  const proxy = await openProxy(/upgrade: websocket/i);
  const { client } = await meet(proxy);
  client.connect();
  await isOnline(client);
  expect(server.app.get(Streams).countByTransport()).toEqual({ websocket: 0, sse: 1 });
  proxy.blocked = undefined;
  vi.advanceTimersByTime(3_600_000);
  await until('a WebSocket', () => server.app.get(Streams).countByTransport().websocket === 1 || undefined);
});

test('an iteration yields every event, and ends with the client', async () => {
  const { client, direct, chat } = await meet(await openProxy());
  const seen: string[] = [];
  const done = (async () => {
    for await (const event of client.follow()) {
      seen.push(event.type);
      if (event.type === 'ready') void direct.send(chat, 'hello');
      if (event.type === 'message.created') client.close();
    }
  })();
  await done;
  expect(seen).toEqual(['ready', 'message.created']);
  expect(client.connection).toBe('idle');
});

test('an iteration throws when the token is refused', async () => {
  const user = { username: 'nobody', name: 'Nobody' };
  const client = openClient({ url: server.url, session: { token: 'no.token', user } });
  await expect(client.follow().next()).rejects.toBeInstanceOf(ParleyError);
  expect(client.connection).toBe('refused');
});

test('a client that starts again continues after the last event that it has handled', async () => {
  const { client, direct, chat } = await meet(await openProxy());
  const events = collect(client);
  client.connect();
  await isOnline(client);
  await direct.send(chat, 'one').sent;
  await until('the first', () => textsOf(events).length === 1 || undefined);
  client.close();
  await direct.send(chat, 'two').sent;
  const later = openClient({ url: server.url, session: client.session!, since: client.lastId! });
  for await (const event of later.follow()) {
    if (event.type === 'ready') expect(event.recovered).toBe(true);
    if (event.type === 'message.created' && event.data.message === 'two') break;
  }
});

test('an id of another server is told as a gap', async () => {
  const { client } = await meet(await openProxy());
  const later = openClient({ url: server.url, session: client.session!, since: 'of.another.server' });
  const { value } = await later.follow().next();
  expect(value).toMatchObject({ type: 'ready', recovered: false });
});

test('a listener that throws stops no other one', async () => {
  const { client, direct, chat } = await meet(await openProxy());
  const thrown: unknown[] = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => thrown.push(error));
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  });
  client.on('message.created', () => {
    throw new Error('of the listener');
  });
  const events = collect(client);
  client.connect();
  await isOnline(client);
  await direct.send(chat, 'one').sent;
  await until('the event', () => textsOf(events).length === 1 || undefined);
  await until('the error', () => thrown.length === 1 || undefined);
  expect(thrown).toMatchObject([{ message: 'of the listener' }]);
});

test('a change of network ends the connection and opens another one at once', async () => {
  const listeners = new Set<() => void>();
  // As in a browser.
  Object.assign(globalThis, {
    addEventListener: (_type: 'online', listener: () => void) => listeners.add(listener),
    removeEventListener: (_type: 'online', listener: () => void) => listeners.delete(listener),
  });
  onTestFinished(() => {
    Reflect.deleteProperty(globalThis, 'addEventListener');
    Reflect.deleteProperty(globalThis, 'removeEventListener');
  });
  const proxy = await openProxy();
  const { client, direct, chat } = await meet(proxy);
  const events = collect(client);
  client.connect();
  await isOnline(client);
  proxy.freeze();
  await direct.send(chat, 'one').sent;
  for (const listener of listeners) listener();
  await until('the event', () => textsOf(events).length === 1 || undefined);
  client.close();
  expect(listeners.size).toBe(0);
});
