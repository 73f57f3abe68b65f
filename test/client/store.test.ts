import type { ChatState, LiveEvent, ParleyClient, Store } from '@parley/client';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { createChat, joinAs, openClient, shortenWaits } from '../support/parley-client.js';
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

/** Returns two users with a chat, and the first one's store, which has loaded. */
async function meet(url = server.url) {
  users += 1;
  const alex = await joinAs(`alex${users}`, server.url);
  const sam = await joinAs(`sam${users}`, server.url);
  const chat = await createChat(sam, [`alex${users}`]);
  const client = openClient({ url, session: alex.session! });
  const store = client.store();
  await until('the chats', () => store.getSnapshot().isLoaded || undefined);
  return { client, store, alex, sam, chat, find: () => findChat(store, chat) };
}

/** Tells a store of an event, besides those of its connection. */
function tell(store: Store, event: LiveEvent): void {
  (store as unknown as { take(event: LiveEvent): void }).take(event);
}

function findChat(store: Store, uuid: string): ChatState {
  const found = store.getSnapshot().chats.find((chat) => chat.uuid === uuid);
  if (!found) throw new Error('the store has no such chat');
  return found;
}

const textsOf = ({ messages }: ChatState) => messages.map(({ message }) => message);

const sendAll = async (client: ParleyClient, chat: string, texts: string[]) => {
  for (const text of texts) await client.send(chat, text).sent;
};

const numbered = (count: number) => Array.from({ length: count }, (_, n) => `text ${n}`);

/** Waits until the store shows what REST shows. */
async function expectEqual({ api }: ParleyClient, store: Store): Promise<void> {
  const shown = () =>
    store.getSnapshot().chats.map(({ uuid, name, users: members, owner, unread, read, latest }) => {
      return { uuid, name, users: members, owner, unread, read, latest };
    });
  const real = async () => {
    const { data } = await api.GET('/api/chats');
    return data.data.map(({ uuid, name, users: members, owner, unread, read, messages: [latest] }) => {
      return { uuid, name, users: members, owner, unread, read, latest };
    });
  };
  const isEqual = async () => JSON.stringify(shown()) === JSON.stringify(await real()) || undefined;
  await until('equality', isEqual, 5_000).catch(async () => expect(shown()).toEqual(await real()));
}

test('shows chats by activity, with their newest message and how many are unread', async () => {
  const { client, store, sam, chat, find } = await meet();
  const other = await createChat(sam, [client.session!.user.username], 'Other');
  await until('the other chat', () => store.getSnapshot().chats.length === 2 || undefined);
  expect(store.getSnapshot().chats.map(({ uuid }) => uuid)).toEqual([other, chat]);
  await sendAll(sam, chat, ['one', 'two']);
  await until('the messages', () => find().unread === 3 || undefined);
  expect(store.getSnapshot().chats.map(({ uuid }) => uuid)).toEqual([chat, other]);
  expect(find()).toMatchObject({ latest: { message: 'two' }, read: null, isOpen: false, messages: [] });
  await expectEqual(client, store);

  store.markRead(chat);
  expect(find()).toMatchObject({ unread: 0, read: 2 });
  await until('the server to know', async () => {
    const { data } = await client.api.GET('/api/chats/{chat}', { params: { path: { chat } } });
    return data.data[0].unread === 0 || undefined;
  });
  await expectEqual(client, store);
});

test('follows edits, deletions, names, members and removal', async () => {
  const { client, store, sam, chat, find } = await meet();
  const params = { path: { chat } };
  await store.open(chat);
  await sendAll(sam, chat, ['one', 'two', 'three']);
  const message = (index: number) => ({ params: { path: { chat, message: index } } });
  const { api } = sam;
  await api.PUT('/api/chats/{chat}/messages/{message}', { ...message(1), body: { message: 'edited' } });
  await api.DELETE('/api/chats/{chat}/messages/{message}', message(2));
  await until('the changes', () => textsOf(find()).join() === 'first,edited,three' || undefined);
  await api.DELETE('/api/chats/{chat}/messages/{message}', message(3));
  await until('the newest one', () => find().latest?.message === 'edited' || undefined);
  await expectEqual(client, store);

  await api.PUT('/api/chats/{chat}', { params, body: { name: 'Renamed' } });
  const kim = await joinAs(`kim${users}`, server.url);
  const user = kim.session!.user.username;
  await api.PUT('/api/chats/{chat}', { params, body: { mode: 'add', user } });
  await until('the member', () => find().users.length === 3 || undefined);
  expect(find().name).toBe('Renamed');
  await expectEqual(client, store);
  await api.PUT('/api/chats/{chat}', { params, body: { mode: 'delete', user } });
  await until('the member to go', () => find().users.length === 2 || undefined);
  await api.DELETE('/api/chats/{chat}', { params });
  await until('the chat to go', () => store.getSnapshot().chats.length === 0 || undefined);
});

test('the deletion of messages that are not shown leaves the right newest one and number', async () => {
  const { client, store, sam, chat } = await meet();
  await sendAll(sam, chat, ['one', 'two', 'three']);
  for (const index of [3, 1]) {
    const params = { path: { chat, message: index } };
    await sam.api.DELETE('/api/chats/{chat}/messages/{message}', { params });
    await expectEqual(client, store);
  }
});

test('an own message moves the marker, also from another device', async () => {
  const { client, store, alex, sam, chat, find } = await meet();
  await sendAll(sam, chat, ['one', 'two']);
  await alex.send(chat, 'from elsewhere').sent;
  await until('the marker', () => find().read === 3 || undefined);
  expect(find().unread).toBe(0);
  await sam.send(chat, 'three').sent;
  await until('the message', () => find().unread === 1 || undefined);
  await alex.api.PUT('/api/chats/{chat}/read', { params: { path: { chat } }, body: { index: 4 } });
  await until('the marker of elsewhere', () => find().unread === 0 || undefined);
  await expectEqual(client, store);
});

test('a message on its way is shown once, from sending until it is there', async () => {
  const { client, store, chat, find } = await meet();
  await store.open(chat);
  const seen = new Set<string>();
  store.subscribe(() => {
    const { messages, outgoing } = find();
    const own = messages.filter(({ message }) => message === 'mine').length;
    seen.add(`${own} there, ${outgoing.length} on the way`);
    expect(own + outgoing.length).toBe(1);
  });
  const { sent } = client.send(chat, 'mine');
  expect(find().outgoing).toMatchObject([{ chat, message: 'mine', state: 'pending' }]);
  await sent;
  await until('the message', () => textsOf(find()).includes('mine') || undefined);
  expect([...seen]).toEqual(['0 there, 1 on the way', '1 there, 0 on the way']);
});

test('a message whose acknowledgement is lost is shown once as well', async () => {
  const { client, store, alex, chat, find, proxy } = await meetBehindProxy();
  await store.open(chat);
  proxy.blocked = /^POST/;
  const key = 'of-the-test';
  const { sent } = client.send(chat, 'mine', { key });
  client.send(chat, 'mine');
  expect(find().outgoing).toHaveLength(2);
  // As if the request had arrived and its answer had not.
  await alex.send(chat, 'mine', { key }).sent;
  await until('the event', () => textsOf(find()).includes('mine') || undefined);
  expect(find().outgoing).toHaveLength(1);
  proxy.blocked = undefined;
  await sent;
  await until('the second one', () => find().messages.length === 3 || undefined);
  expect(find().outgoing).toEqual([]);
});

test('the event of an own message may come before its acknowledgement, or after its edit and deletion', async () => {
  const { client, store, alex, chat, find } = await meet();
  await store.open(chat);
  const key = 'of-the-test';
  // As another program of the user that sends the same.
  const first = await alex.send(chat, 'mine', { key }).sent;
  await until('the event', () => textsOf(find()).includes('mine') || undefined);
  const params = { path: { chat, message: first.index } };
  await alex.api.PUT('/api/chats/{chat}/messages/{message}', { params, body: { message: 'edited' } });
  await until('the edit', () => textsOf(find()).includes('edited') || undefined);
  expect(await client.send(chat, 'mine', { key }).sent).toEqual(first);
  expect(textsOf(find())).toEqual(['first', 'edited']);
  await alex.api.DELETE('/api/chats/{chat}/messages/{message}', { params });
  await until('the deletion', () => textsOf(find()).length === 1 || undefined);
  await client.send(chat, 'mine', { key }).sent;
  expect(textsOf(find())).toEqual(['first']);
  expect(find().outgoing).toEqual([]);
  await expectEqual(client, store);
});

test('pages of history come on demand, until the first message', async () => {
  const { store, sam, chat, find } = await meet();
  await sendAll(sam, chat, numbered(119));
  await store.open(chat);
  expect(textsOf(find())).toEqual(numbered(119).slice(-50));
  expect(find()).toMatchObject({ isOpen: true, hasOlder: true, unread: 100 });
  // Asking twice at once reads one page.
  await Promise.all([store.loadOlder(chat), store.loadOlder(chat)]);
  expect(textsOf(find())).toEqual(numbered(119).slice(-100));
  await store.loadOlder(chat);
  expect(textsOf(find())).toEqual(['first', ...numbered(119)]);
  expect(find().hasOlder).toBe(false);
  await store.loadOlder(chat);
  expect(find().messages).toHaveLength(120);
  store.close(chat);
  expect(find()).toMatchObject({ isOpen: false, messages: [], unread: 100 });
});

test('changes of messages that are not loaded do not tear the history', async () => {
  const { store, sam, chat, find } = await meet();
  await sendAll(sam, chat, numbered(60));
  await store.open(chat);
  const params = { path: { chat, message: 1 } };
  await sam.api.PUT('/api/chats/{chat}/messages/{message}', { params, body: { message: 'edited' } });
  await sam.send(chat, 'last').sent;
  await until('the last one', () => textsOf(find()).includes('last') || undefined);
  expect(textsOf(find())).toEqual([...numbered(60).slice(-50), 'last']);
  await store.loadOlder(chat);
  expect(textsOf(find()).slice(0, 2)).toEqual(['first', 'edited']);
});

/** Returns what {@link meet} does, with the store behind a proxy, and a chat that is open. */
async function meetBehindProxy() {
  const { hostname, port } = new URL(server.url);
  const proxy = new TcpProxy({ host: hostname, port: Number(port) });
  await proxy.open();
  onTestFinished(() => proxy.cut());
  const all = await meet(proxy.url);
  await all.store.open(all.chat);
  const away = async (work: () => Promise<void>) => {
    await proxy.cut();
    await until('the loss', () => all.client.connection !== 'online' || undefined);
    await work();
    // Only WebSockets pass, because polls would bring more events than a stream.
    proxy.blocked = /\/api\/events/;
    await proxy.open();
  };
  return { ...all, proxy, away };
}

test('a gap after a lost connection is closed, for more events than are told as well', async () => {
  const { client, store, sam, chat, find, away } = await meetBehindProxy();
  const limited = vi.fn();
  client.on('chat.limited', limited);
  const path = { path: { chat } };
  await away(async () => {
    const texts = numbered(600);
    const send = (message: string) =>
      sam.api.POST('/api/chats/{chat}/messages', { params: path, body: { type: 'message', message } });
    for (let n = 0; n < texts.length; n += 100) await Promise.all(texts.slice(n, n + 100).map(send));
    const params = { path: { chat, message: 0 } };
    await sam.api.PUT('/api/chats/{chat}/messages/{message}', { params, body: { message: 'edited' } });
  });
  await until('all messages', () => find().messages.length === 601 || undefined);
  expect(limited).toHaveBeenCalled();
  expect(textsOf(find())[0]).toBe('edited');
  expect(find().messages.map(({ index }) => index)).toEqual(Array.from({ length: 601 }, (_, n) => n));
  await expectEqual(client, store);
});

test('after a gap of more than one call holds, the newest messages are shown', async () => {
  const { client, store, sam, chat, find, away } = await meetBehindProxy();
  await away(async () => {
    const send = (message: string) => {
      const options = { params: { path: { chat } }, body: { type: 'message' as const, message } };
      return sam.api.POST('/api/chats/{chat}/messages', options);
    };
    const texts = numbered(1000);
    for (let n = 0; n < texts.length; n += 200) await Promise.all(texts.slice(n, n + 200).map(send));
  });
  await until('the newest message', () => find().messages.at(-1)?.index === 1000 || undefined);
  expect(find().messages).toHaveLength(50);
  expect(find().hasOlder).toBe(true);
  await expectEqual(client, store);
});

test('without a place to resume from, everything is loaded anew', async () => {
  const { client, store, sam, chat, find, away } = await meetBehindProxy();
  const gone = await createChat(sam, [client.session!.user.username], 'Gone');
  await until('both chats', () => store.getSnapshot().chats.length === 2 || undefined);
  const [ready] = await Promise.all([
    new Promise<{ recovered: boolean }>((resolve) => client.on('ready', resolve)),
    away(async () => {
      await sendAll(sam, chat, ['one', 'two']);
      await sam.api.DELETE('/api/chats/{chat}', { params: { path: { chat: gone } } });
      await createChat(sam, [client.session!.user.username], 'New');
      // As if the server had lost its history.
      Reflect.set(Reflect.get(client, 'follower'), 'lastId', 'of.another.server');
    }),
  ]);
  expect(ready.recovered).toBe(false);
  await until('the messages', () => textsOf(find()).join() === 'first,one,two' || undefined);
  expect(store.getSnapshot().chats.map(({ name }) => name)).toEqual(['New', 'Chat']);
  await expectEqual(client, store);
});

test('events that are told twice change nothing', async () => {
  const { client, store, sam, chat, find } = await meet();
  client.on('event', (event) => event.type !== 'ready' && tell(store, event));
  const other = await createChat(sam, [client.session!.user.username], 'Other');
  await sendAll(sam, chat, ['one', 'two', 'three']);
  const params = { path: { chat, message: 2 } };
  await sam.api.DELETE('/api/chats/{chat}/messages/{message}', { params });
  await sam.send(other, 'last').sent;
  const last = () => store.getSnapshot().chats.find(({ uuid }) => uuid === other)?.latest?.message;
  await until('the last one', () => last() === 'last' || undefined);
  expect(find().unread).toBe(3);
  await expectEqual(client, store);
});

test('typing shows until the message comes', async () => {
  const { store, sam, chat, find } = await meet();
  sam.typing(chat);
  await until('typing', () => find().typing.length === 1 || undefined);
  expect(find().typing).toEqual([sam.session!.user.username]);
  await sam.send(chat, 'text').sent;
  await until('the message', () => find().latest?.message === 'text' || undefined);
  expect(find().typing).toEqual([]);
  expect(store.getSnapshot().connection).toBe('online');
});

test('typing ends by itself', async () => {
  const { store, chat, find, sam } = await meet();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const username = sam.session!.user.username;
  tell(store, { type: 'typing', chat, data: { username } });
  vi.advanceTimersByTime(3_000);
  tell(store, { type: 'typing', chat, data: { username } });
  vi.advanceTimersByTime(4_000);
  expect(find().typing).toEqual([username]);
  vi.advanceTimersByTime(1_000);
  expect(find().typing).toEqual([]);
});

test('keeps the contract of useSyncExternalStore', async () => {
  const { client, store, sam, chat } = await meet();
  const quiet = await createChat(sam, [client.session!.user.username], 'Quiet');
  await until('both chats', () => store.getSnapshot().chats.length === 2 || undefined);
  const { subscribe, getSnapshot } = store;
  await new Promise(setImmediate);
  const before = getSnapshot();
  expect(getSnapshot()).toBe(before);
  const [one, two] = [vi.fn(), vi.fn()];
  const [stop] = [subscribe(one), subscribe(two)];
  const copy = structuredClone(before);
  await sam.send(chat, 'text').sent;
  await until('the message', () => findChat(store, chat).latest?.message === 'text' || undefined);
  await until('the listener', () => one.mock.calls.length > 0 || undefined);
  expect(getSnapshot()).not.toBe(before);
  // What was returned does not change, and what has not changed is the same.
  expect(before).toEqual(copy);
  expect(findChat(store, quiet)).toBe(before.chats.find(({ uuid }) => uuid === quiet));
  expect(findChat(store, chat)).not.toBe(before.chats.find(({ uuid }) => uuid === chat));
  stop();
  const calls = one.mock.calls.length;
  await sam.send(chat, 'more').sent;
  await until('the other listener', () => two.mock.calls.length > calls || undefined);
  expect(one).toHaveBeenCalledTimes(calls);
});

test('another user begins with nothing of the one before', async () => {
  const { client, store, sam, chat } = await meet();
  await store.open(chat);
  await client.logout();
  expect(store.getSnapshot()).toMatchObject({ chats: [], isLoaded: false, connection: 'idle' });
  await expect(store.open(chat)).rejects.toThrow('nobody is logged in');
  const kim = await joinAs(`kim${users}`, server.url);
  await createChat(sam, [`kim${users}`], 'Of Kim');
  const ofKim = openClient({ url: server.url, session: kim.session! });
  await client.login(`kim${users}`, 'correct horse');
  client.connect();
  await until('the chats', () => store.getSnapshot().isLoaded || undefined);
  expect(store.getSnapshot().chats.map(({ name, isOpen }) => [name, isOpen])).toEqual([['Of Kim', false]]);
  await expectEqual(ofKim, store);
});

test('a chat that the user may not see cannot be opened', async () => {
  const { store, sam } = await meet();
  const secret = await createChat(sam, [sam.session!.user.username], 'Secret');
  await expect(store.open(secret)).rejects.toMatchObject({ code: 'not_a_member' });
  await expect(store.open('7c9e6679-7425-40de-944b-e07fc1f90ae7')).rejects.toMatchObject({
    code: 'chat_not_found',
  });
  expect(store.getSnapshot().chats.map(({ name }) => name)).toEqual(['Chat']);
});

test('more chats than a page holds are all there, in their order', async () => {
  const { client, store, sam } = await meet();
  for (let n = 0; n < 120; n += 1) await createChat(sam, [client.session!.user.username], `Chat ${n}`);
  const fresh = openClient({ url: server.url, session: client.session! }).store();
  await until('the chats', () => fresh.getSnapshot().isLoaded || undefined);
  expect(
    fresh
      .getSnapshot()
      .chats.map(({ name }) => name)
      .slice(0, 2),
  ).toEqual(['Chat 119', 'Chat 118']);
  expect(fresh.getSnapshot().chats).toHaveLength(121);
  await expectEqual(client, fresh);
  await expectEqual(client, store);
});

test('chats are loaded although a proxy has refused the first call', async () => {
  const { alex } = await meet();
  let lists = 0;
  const url = await standIn(server.url, ({ url: path = '', headers }, response) => {
    // Events come by polls.
    if (headers.accept === 'text/event-stream') response.writeHead(406).end('{}');
    if (path.startsWith('/api/chats?') && (lists += 1) === 1) response.writeHead(404).end('not here');
  });
  const store = openClient({ url, session: alex.session! }).store();
  await until('the chats', () => store.getSnapshot().isLoaded || undefined);
  expect(lists).toBe(2);
});
