import { type ClientStorage, ParleyClient, ParleyError } from '@parley/client';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { createChat, joinAs, openClient, PASSWORD, shortenWaits } from '../support/parley-client.js';
import { startServer, type TestServer } from '../support/server.js';
import { standIn } from '../support/stand-in.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

let server: TestServer;
let users = 0;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.close());

shortenWaits();

const join = () => joinAs(`alex${(users += 1)}`, server.url);

/** Returns the client of a new user behind a proxy, who is alone in a chat. */
async function setUp(url: string, options: { storage?: ClientStorage } = {}) {
  const direct = await join();
  const chat = await createChat(direct, [direct.session!.user.username]);
  const client = openClient({ url, session: direct.session!, ...options });
  return { client, direct, chat, read: () => readTexts(direct, chat) };
}

async function readTexts({ api }: ParleyClient, chat: string): Promise<string[]> {
  const { data } = await api.GET('/api/chats/{chat}/messages', { params: { path: { chat } } });
  return data.data.messages.map(({ message }) => message).slice(1);
}

async function openProxy(): Promise<TcpProxy> {
  const { hostname, port } = new URL(server.url);
  const proxy = new TcpProxy({ host: hostname, port: Number(port) });
  await proxy.open();
  onTestFinished(() => proxy.cut());
  return proxy;
}

const memory = (): ClientStorage & { items: Map<string, string> } => {
  const items = new Map<string, string>();
  return {
    items,
    getItem: async (name) => items.get(name) ?? null,
    setItem: async (name, value) => void items.set(name, value),
    removeItem: async (name) => void items.delete(name),
  };
};

test('messages that are sent together arrive in their order, one request at a time', async () => {
  let underWay = 0;
  let most = 0;
  const url = await standIn(server.url, (_request, response) => {
    most = Math.max(most, (underWay += 1));
    response.once('close', () => (underWay -= 1));
  });
  const { client, chat, read } = await setUp(url);
  const texts = Array.from({ length: 20 }, (_, n) => `text ${n}`);
  const sent = await Promise.all(texts.map((text) => client.send(chat, text).sent));
  expect(sent.map(({ index }) => index)).toEqual(texts.map((_, n) => n + 1));
  expect(await read()).toEqual(texts);
  expect(most).toBe(1);
});

test('a message whose answer is lost is sent once, and each has a key of its own', async () => {
  const keys: unknown[] = [];
  const url = await standIn(server.url, (request) => {
    keys.push(request.headers['idempotency-key']);
    return keys.length <= 2 ? 'lose' : undefined;
  });
  const { client, chat, direct } = await setUp(url);
  const first = client.send(chat, 'same text');
  const second = client.send(chat, 'same text');
  await Promise.all([first.sent, second.sent]);
  expect(await readTexts(direct, chat)).toEqual(['same text', 'same text']);
  expect(keys).toEqual([first.key, first.key, first.key, second.key]);
  expect(first.key).toMatch(/^[0-9a-f]{32}$/);
});

test('waits while the server says so: 503, 429 with Retry-After, and 500', async () => {
  const waits = vi.spyOn(globalThis, 'setTimeout');
  onTestFinished(() => waits.mockRestore());
  let requests = 0;
  const answers: [number, Record<string, string>][] = [
    [503, {}],
    [429, { 'retry-after': '1' }],
    [500, {}],
  ];
  const url = await standIn(server.url, (_request, response) => {
    requests += 1;
    const next = answers.shift();
    if (next) response.writeHead(...next).end('{}');
  });
  const { client, chat, read } = await setUp(url);
  const { index } = await client.send(chat, 'text').sent;
  expect(index).toBe(1);
  expect(requests).toBe(4);
  const waited = waits.mock.calls.map(([, ms]) => ms).filter((ms) => ms === 500 || ms === 1_000);
  expect(waited).toEqual([500, 1_000, 500]);
  expect(await read()).toEqual(['text']);
});

test('a message that is refused fails, those behind it go on, and it can be tried again or discarded', async () => {
  const { client, direct, chat, read } = await setUp(server.url);
  const [blank, next, long] = [' ', 'next', 'x'.repeat(20_000)].map((text) => client.send(chat, text));
  await expect(blank.sent).rejects.toMatchObject({ code: 'invalid_field', field: 'message' });
  await next.sent;
  await expect(long.sent).rejects.toBeInstanceOf(ParleyError);
  expect([blank, next, long].map(({ state }) => state)).toEqual(['failed', 'sent', 'failed']);
  expect(await read()).toEqual(['next']);

  const store = client.store();
  const outgoing = () => store.getSnapshot().chats.find(({ uuid }) => uuid === chat)?.outgoing;
  await until('the failed ones', () => outgoing()?.length === 2 || undefined);
  expect(outgoing()).toMatchObject([
    { key: blank.key, state: 'failed', error: { code: 'invalid_field' } },
    { key: long.key, state: 'failed' },
  ]);
  const again = client.retry(blank.key);
  await expect(again?.sent).rejects.toMatchObject({ code: 'invalid_field' });
  for (const { key } of [blank, long]) client.discard(key);
  expect(outgoing()).toEqual([]);
  expect(client.retry(blank.key)).toBeUndefined();

  await direct.api.DELETE('/api/chats/{chat}', { params: { path: { chat } } });
  await expect(client.send(chat, 'too late').sent).rejects.toMatchObject({ code: 'chat_not_found' });
});

test('a key of the caller sends once, also from another program', async () => {
  const { client, direct, chat, read } = await setUp(server.url);
  const options = { key: 'answer-1' };
  const [one, two] = [client.send(chat, 'answer', options), client.send(chat, 'answer', options)];
  expect(await one.sent).toEqual(await two.sent);
  expect(await direct.send(chat, 'answer', options).sent).toEqual(await one.sent);
  expect(await read()).toEqual(['answer']);
});

test('what is sent while offline waits, and goes as soon as the events are back', async () => {
  const proxy = await openProxy();
  const { client, chat, read } = await setUp(proxy.url);
  client.connect();
  await until('events', () => client.connection === 'online' || undefined);
  await proxy.cut();
  const sent = ['one', 'two', 'three'].map((text) => client.send(chat, text));
  await until('the loss', () => client.connection !== 'online' || undefined);
  expect(sent.map(({ state }) => state)).toEqual(['pending', 'pending', 'pending']);
  await proxy.open();
  await Promise.all(sent.map((delivery) => delivery.sent));
  expect(await read()).toEqual(['one', 'two', 'three']);
});

test('what waits long is tried again when the events are back', async () => {
  const proxy = await openProxy();
  const { client, chat, read } = await setUp(proxy.url);
  client.connect();
  await until('events', () => client.connection === 'online' || undefined);
  // Some minutes.
  const random = vi.spyOn(Math, 'random').mockReturnValue(100);
  const waits = vi.spyOn(globalThis, 'setTimeout');
  onTestFinished(() => waits.mockRestore());
  proxy.blocked = /^POST/;
  const { sent } = client.send(chat, 'text');
  await until('the wait', () => waits.mock.calls.some(([, ms]) => ms! > 100_000) || undefined);
  random.mockReturnValue(0);
  proxy.blocked = undefined;
  await proxy.cut();
  await proxy.open();
  await sent;
  expect(await read()).toEqual(['text']);
});

test.each(['asynchronous', 'synchronous'])(
  'with an %s storage messages survive the end of the program',
  async (kind) => {
    const storage = memory();
    const { items } = storage;
    if (kind === 'synchronous') {
      Object.assign(storage, {
        getItem: (name: string) => items.get(name) ?? null,
        setItem: (name: string, value: string) => void items.set(name, value),
        removeItem: (name: string) => void items.delete(name),
      });
    }
    const proxy = await openProxy();
    await proxy.cut();
    const { client, chat, read } = await setUp(proxy.url, { storage });
    const sent = ['one', 'two'].map((text) => client.send(chat, text));
    await until('the storage', () => [...items.values()].some((text) => text.includes('two')) || undefined);
    client.close();
    await proxy.open();

    // Messages belong to their user.
    const { session } = await join();
    const stranger = openClient({ url: proxy.url, session: session!, storage });
    stranger.connect();
    await until('events', () => stranger.connection === 'online' || undefined);
    expect([...items.values()].join()).toMatch(/one.*two/);

    const later = openClient({ url: proxy.url, session: client.session!, storage });
    await later.send(chat, 'three').sent;
    expect(await read()).toEqual(['one', 'two', 'three']);
    expect(sent.map(({ state }) => state)).toEqual(['pending', 'pending']);
    await until('an empty storage', () => items.size === 0 || undefined);
  },
);

test('a message that has failed is still there after the end of the program', async () => {
  const storage = memory();
  const { client, chat } = await setUp(server.url, { storage });
  const failed = client.send(chat, ' ');
  await expect(failed.sent).rejects.toThrow();
  await until(
    'the storage',
    () => [...storage.items.values()].some((text) => text.includes('error')) || undefined,
  );
  const store = openClient({ url: server.url, session: client.session!, storage }).store();
  const outgoing = await until('the message', () => store.getSnapshot().chats[0]?.outgoing[0]);
  expect(outgoing).toMatchObject({ key: failed.key, state: 'failed' });
  expect(outgoing.error).toBeInstanceOf(ParleyError);
});

test('a storage that fails keeps no message from being sent', async () => {
  const fail = () => Promise.reject(new Error('full'));
  const storage = { getItem: fail, setItem: fail, removeItem: fail };
  const { client, chat, read } = await setUp(server.url, { storage });
  await client.send(chat, 'text').sent;
  expect(await read()).toEqual(['text']);
});

test('a refused token keeps messages until the next login', async () => {
  const { client, chat, read } = await setUp(server.url);
  const other = openClient({ url: server.url, session: client.session! });
  await other.logout();
  const delivery = client.send(chat, 'text');
  await until('the refusal', () => client.connection === 'refused' || undefined);
  expect(delivery.state).toBe('pending');
  await client.login(client.session!.user.username, PASSWORD);
  await delivery.sent;
  const again = openClient({ url: server.url, session: client.session! });
  expect(await readTexts(again, chat)).toEqual(['text']);
  await expect(read()).rejects.toMatchObject({ code: 'token_invalid' });
});

test('a message of which nobody knows the outcome fails when its key is too old to try again', async () => {
  const storage = memory();
  const proxy = await openProxy();
  await proxy.cut();
  const { client, chat, read } = await setUp(proxy.url, { storage });
  client.send(chat, 'text');
  await until(
    'the first try',
    () => [...storage.items.values()].some((text) => text.includes('triedAt')) || undefined,
  );
  client.close();
  await proxy.open();
  const [[item, kept]] = storage.items;
  storage.items.set(
    item,
    kept.replace(/"triedAt":(\d+)/, (_, at) => `"triedAt":${Number(at) - 24 * 3_600_000}`),
  );
  const later = openClient({ url: proxy.url, session: client.session!, storage });
  const store = later.store();
  const failed = await until('the failure', () =>
    store.getSnapshot().chats[0]?.outgoing.find(({ state }) => state === 'failed'),
  );
  expect(failed.error).toMatchObject({ code: 'unavailable', status: 0 });
  expect(await read()).toEqual([]);
  await later.retry(failed.key)?.sent;
  expect(await read()).toEqual(['text']);
});

test('a key that no request can carry is refused at once, and blocks nothing', async () => {
  const { client, chat, read } = await setUp(server.url);
  for (const key of ['', 'welcome-Łukasz', 'two words', 'x'.repeat(256)]) {
    expect(() => client.send(chat, 'text', { key })).toThrow("'key' must be");
  }
  await client.send(chat, 'next').sent;
  expect(await read()).toEqual(['next']);
});

test('an answer that a proxy has cut off is no answer', async () => {
  let requests = 0;
  const url = await standIn(server.url, (_request, response) => {
    if ((requests += 1) > 1) return;
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"succ');
  });
  const { client, chat, read } = await setUp(url);
  await client.send(chat, 'text').sent;
  expect([requests, await read()]).toEqual([2, ['text']]);
});

test('a page of maintenance stops the client for a minute at most', async () => {
  const real = setTimeout;
  const waited: unknown[] = [];
  const waits = vi.spyOn(globalThis, 'setTimeout').mockImplementation((...args: Parameters<typeof real>) => {
    if (new Error().stack?.includes('backoff.js')) waited.push(args[1]);
    return real(...args);
  });
  onTestFinished(() => waits.mockRestore());
  const url = await standIn(server.url, (_request, response) => {
    response.writeHead(503, { 'retry-after': '100000' }).end('{}');
  });
  const { client, chat } = await setUp(url);
  client.send(chat, 'text');
  // A call itself has 30 s.
  expect(await until('the wait', () => waited.find((ms) => Number(ms) > 30_000))).toBe(60_000);
});

test('a text that is sent again with its key, before the storage is read, is the stored one', async () => {
  const storage = memory();
  const proxy = await openProxy();
  await proxy.cut();
  const { client, chat, read } = await setUp(proxy.url, { storage });
  client.send(chat, 'text', { key: 'welcome' });
  await until(
    'a try',
    () => [...storage.items.values()].some((text) => text.includes('triedAt')) || undefined,
  );
  client.close();
  await proxy.open();
  const [[item, kept]] = storage.items;
  storage.items.set(item, kept.replace(/"triedAt":\d+/, '"triedAt":1'));
  const later = openClient({ url: proxy.url, session: client.session!, storage });
  await expect(later.send(chat, 'text', { key: 'welcome' }).sent).rejects.toMatchObject({
    code: 'unavailable',
  });
  const { outgoing } = await until('the chat', () => later.store().getSnapshot().chats[0]);
  expect(outgoing.map(({ key }) => key)).toEqual(['welcome']);
  expect(await read()).toEqual([]);
});

test('a logout rejects what is not sent', async () => {
  const proxy = await openProxy();
  const { client, chat } = await setUp(proxy.url);
  await proxy.cut();
  const { sent } = client.send(chat, 'text');
  await client.logout().catch(() => {});
  await expect(sent).rejects.toMatchObject({ code: 'token_missing' });
});

test('a message that was deleted before its answer came is not shown', async () => {
  let requests = 0;
  let isHeld = true;
  const url = await standIn(server.url, ({ method, url: path = '', headers }, response) => {
    // Events come by polls.
    if (headers.accept === 'text/event-stream') response.writeHead(406).end('{}');
    if (method !== 'POST' || !path.endsWith('/messages')) return undefined;
    if ((requests += 1) === 1) return 'lose';
    if (isHeld) response.writeHead(503).end('{}');
    return undefined;
  });
  const storage = memory();
  const { client, direct, chat } = await setUp(url, { storage });
  const random = vi.spyOn(Math, 'random').mockReturnValue(100);
  client.send(chat, 'text');
  await until('the message', async () => (await readTexts(direct, chat)).length === 1 || undefined);
  client.close();
  const params = { path: { chat, message: 1 } };
  await direct.api.DELETE('/api/chats/{chat}/messages/{message}', { params });
  random.mockReturnValue(0);
  const store = openClient({ url, session: client.session!, storage }).store();
  await store.open(chat);
  await until('all chats', () => store.getSnapshot().isLoaded || undefined);
  const tries = requests;
  // Nothing is loaded any more.
  await until('two more tries', () => requests > tries + 1 || undefined);
  isHeld = false;
  await until('the answer', () => storage.items.size === 0 || undefined);
  const shown = () => store.getSnapshot().chats[0];
  await until('the chat as it is', () => shown().messages.every(({ index }) => index === 0) || undefined);
  expect([shown().messages.length, shown().outgoing]).toEqual([1, []]);
});
