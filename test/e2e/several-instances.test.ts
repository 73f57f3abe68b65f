import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { FanOut } from '#src/live/fan-out.js';
import { Feed } from '#src/live/feed.js';
import { Replays } from '#src/live/replay.js';
import { DatabaseUnavailable } from '#src/database/driver-errors.js';
import { Transaction, UnitOfWork } from '#src/database/unit-of-work.js';
import { TokensService } from '#src/tokens/tokens.service.js';
import { claimsOf } from '../support/jwt.js';
import { followPolls, followSocket, followSse, type LiveClient } from '../support/live.js';
import { expectSuccess, type Json, Member } from '../support/parley.js';
import { hasNoRedis, RedisServer } from '../support/redis.js';
import { createTestDatabase, startServer, type TestDatabase, type TestServer } from '../support/server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

let redis: RedisServer;
let database: TestDatabase;
/** Users act through the first server, and follow through the second one. */
let servers: TestServer[];
let alex: Member;
let sam: Member;
let count = 0;
const clients: LiveClient[] = [];

async function start(redisUrl: string | null, instances = 2): Promise<void> {
  database = await createTestDatabase();
  servers = [];
  for (let n = 0; n < instances; n += 1) servers.push(await startServer({ redisUrl }, database));
  alex = await servers[0].parley.signUp('alex');
  sam = await servers[0].parley.signUp('sam');
}

async function stop(): Promise<void> {
  for (const server of servers) await server.stop();
  await database.drop();
}

/** The user as a client of the second server. */
const there = ({ username, name, email, password, token }: Member) =>
  new Member(servers[1].parley, username, name, email, password, token);

async function follow(member: Member, how = followSse): Promise<LiveClient> {
  const client = await how(there(member));
  clients.push(client);
  return client;
}

function signUp(): Promise<Member> {
  count += 1;
  return servers[0].parley.signUp(`user${count}`);
}

const update = async (chat: string, json: object) =>
  expectSuccess(await alex.put(`/api/chats/${chat}`, json));
const has = (client: LiveClient, chat: string, type: string) =>
  client.waitFor((event) => event.chat === chat && event.type === type);
const hasText = (client: LiveClient, text: string) => client.waitFor(({ data }) => data.message === text);
const textsOf = (client: LiveClient, chat: string) =>
  client.events
    .filter((event) => event.chat === chat && event.type === 'message.created')
    .map(({ data }) => data.message);
const redisIsUp = async () => {
  const ready = await Promise.all(servers.map(({ parley }) => parley.get('/api/health/ready')));
  return ready.every(({ body }) => body.data.redis === 'up') && (await redis.subscribers()) === 2;
};

/** Disables the polls of the database, so that only Redis passes events on. */
function disablePolls(): void {
  for (const poll of ['poll', 'pollRevocations'] as const) {
    vi.spyOn(Feed.prototype as unknown as Record<typeof poll, () => Promise<void>>, poll).mockResolvedValue();
  }
}

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  vi.restoreAllMocks();
});

/** What alex does in a chat with sam, and what sam is told. */
const CASES: [type: string, act: (chat: string) => Promise<unknown>, data: unknown][] = [
  ['message.created', (chat) => alex.send(chat, 'hello'), { index: 1, message: 'hello' }],
  [
    'message.updated',
    (chat) => alex.put(`/api/chats/${chat}/messages/0`, { message: 'other' }),
    { index: 0, message: 'other' },
  ],
  ['message.deleted', (chat) => alex.delete(`/api/chats/${chat}/messages/0`), { index: 0 }],
  ['chat.updated', (chat) => update(chat, { name: 'Renamed' }), { name: 'Renamed' }],
  ['chat.removed', (chat) => update(chat, { mode: 'delete', user: 'sam' }), { reason: 'removed' }],
  ['chat.removed', (chat) => alex.delete(`/api/chats/${chat}`), { reason: 'deleted' }],
  [
    'member.added',
    async (chat) => update(chat, { mode: 'add', user: (await signUp()).username }),
    { user: expect.anything() },
  ],
  [
    'member.removed',
    (chat) => update(chat, { mode: 'delete', user: 'alex' }),
    { user: { name: 'alex', username: 'alex' } },
  ],
  ['chat.read', (chat) => sam.put(`/api/chats/${chat}/read`, { index: 0 }), { index: 0, unread: 0 }],
  [
    'chat.limited',
    async (chat) => {
      const erased = await signUp();
      await update(chat, { mode: 'add', user: erased.username });
      await erased.send(chat, 'of an erased user');
      expectSuccess(await erased.delete(`/api/users/${erased.username}`));
    },
    {},
  ],
];

/** Lets everything happen at once on one server, and waits until a client of the other one was told. */
async function expectAllTypes(): Promise<void> {
  const client = await follow(sam);
  const chats = await Promise.all(CASES.map(() => alex.createChat([sam])));
  for (const chat of chats) expect((await has(client, chat, 'chat.added')).data).toMatchObject({ unread: 1 });
  await Promise.all(CASES.map(([, act], n) => act(chats[n])));
  for (const [n, [type, , data]] of CASES.entries()) {
    const event = await has(client, chats[n], type);
    expect(event.data, type).toMatchObject(data as Json);
  }
}

describe.skipIf(hasNoRedis)('with Redis', () => {
  beforeAll(async () => {
    redis = await RedisServer.start();
    await start(redis.url);
    await until('Redis', async () => (await redisIsUp()) || undefined);
  });
  afterAll(async () => {
    await stop();
    await redis.kill();
  });

  test('every event crosses by Redis alone', async () => {
    disablePolls();
    await expectAllTypes();
  });

  test.each([
    ['WebSocket', followSocket],
    ['polls', followPolls],
  ])('a message crosses to %s', async (_, how) => {
    disablePolls();
    const chat = await alex.createChat([sam]);
    const client = await follow(sam, how);
    await alex.send(chat, 'hello');
    await hasText(client, 'hello');
  });

  test('typing crosses, once in 2 s', async () => {
    disablePolls();
    const chat = await alex.createChat([sam]);
    const client = await follow(sam);
    const startedAt = performance.now();
    expectSuccess(await alex.post(`/api/chats/${chat}/typing`));
    expect((await has(client, chat, 'typing')).data).toEqual({ username: 'alex' });
    expectSuccess(await there(alex).post(`/api/chats/${chat}/typing`));
    await alex.send(chat, 'next');
    await hasText(client, 'next');
    const allowed = performance.now() - startedAt < 2_000 ? 1 : 2;
    expect(client.types(chat).filter((type) => type === 'typing').length).toBeLessThanOrEqual(allowed);
  });

  test.each([
    ['a logout', (member: Member) => member.get('/api/auth/logout')],
    ['an erasure', (member: Member) => member.delete(`/api/users/${member.username}`)],
  ])('%s ends the streams of the token', async (_, revoke) => {
    disablePolls();
    const member = await signUp();
    const streams = [await follow(member), await follow(member, followSocket)];
    expectSuccess(await revoke(member));
    const codes = await Promise.all(streams.map(async (stream) => (await stream.waitForEnd())?.code));
    expect(codes).toEqual(['token_invalid', 4401]);
  });

  test('junk on the channel is ignored, and no text or secret is on it', async () => {
    const chat = await alex.createChat([sam]);
    const client = await follow(sam);
    const whole = { version: 1, from: 'x', topic: 'chatsRead', payload: [] };
    const junk = [
      'junk',
      '',
      '[]',
      'null',
      JSON.stringify({ ...whole, version: 2, topic: 'tokensRevoked', payload: { userId: 2 } }),
      JSON.stringify({ ...whole, topic: 'databaseMoved' }),
      JSON.stringify({ ...whole, topic: 'toString' }),
      JSON.stringify({ ...whole, topic: 'chatsChangedElsewhere', payload: ['x'] }),
      JSON.stringify({ ...whole, topic: 'chatsChangedElsewhere', payload: [1, 2, 3, 2 ** 53 - 1] }),
      JSON.stringify({ ...whole, topic: 'tokensRevoked', payload: { userId: -1 } }),
      JSON.stringify({ ...whole, topic: 'typed', payload: { chatId: 1e6, userId: 1e6, username: 'nobody' } }),
      JSON.stringify({ ...whole, topic: 'chatsRead', payload: [{ chatId: 1e6, userId: 2, readAt: 1 }] }),
    ];
    for (const message of junk) await redis.publish(message);
    const messages = await redis.record(async () => {
      await alex.send(chat, 'a secret text');
      await hasText(client, 'a secret text');
    });
    expect(messages.length).toBeGreaterThan(0);
    expect(messages.join()).not.toContain('secret');
    expect(messages.join()).not.toContain(alex.token);
    expect(client.hasEnded).toBe(false);
  });

  test('while Redis is killed and comes back, sends succeed and streams catch up', async () => {
    const chat = await alex.createChat([sam]);
    const client = await follow(sam);
    const texts: string[] = [];
    const send = async (text: string) => {
      texts.push(text);
      await alex.send(chat, text);
    };
    await send('before');
    await redis.kill();
    for (let n = 0; n < 20; n += 1) await send(`away ${n}`);
    await hasText(client, 'away 19');
    const ready = await servers[0].parley.get('/api/health/ready');
    expect([ready.status, ready.body.data]).toEqual([200, { database: 'up', storage: 'up', redis: 'down' }]);

    await redis.restart();
    await send('back');
    await until('Redis', async () => (await redisIsUp()) || undefined);
    await hasText(client, 'back');
    disablePolls();
    await send('by Redis');
    await hasText(client, 'by Redis');
    expect(textsOf(client, chat)).toEqual(texts);
  });

  test('what Redis has lost is delivered with the next change of its chat, in order', async () => {
    disablePolls();
    const known = await alex.createChat([sam]);
    const client = await follow(sam);
    await redis.kill();
    await alex.send(known, 'lost');
    const unknown = await alex.createChat([sam], { message: 'lost' });
    await alex.send(unknown, 'lost as well');
    await redis.restart();
    await until('Redis', async () => (await redisIsUp()) || undefined);
    for (const chat of [known, unknown]) await alex.send(chat, 'next');
    await until(
      'both',
      () => textsOf(client, known).length + textsOf(client, unknown).length >= 4 || undefined,
    );
    expect(textsOf(client, known)).toEqual(['lost', 'next']);
    expect(client.types(unknown)).toEqual(['chat.added', 'message.created', 'message.created']);
    expect(textsOf(client, unknown)).toEqual(['lost as well', 'next']);
  });

  // The last test, because servers of one process share their strategies of Passport.
  test('a user of Redis who may not subscribe, or not publish, shows as down', async () => {
    const allow = (...rules: string[]) => redis.run((admin) => admin.acl('SETUSER', 'limited', ...rules));
    await allow('on', '>secret', '+@all', '-publish', '~*', 'resetchannels');
    const url = redis.url.replace('//', '//limited:secret@');
    const server = await startServer({ redisUrl: url }, database);
    const stateIs = (state: string) => async () => {
      const { status, body } = await server.parley.get('/api/health/ready');
      expect(status).toBe(200);
      return body.data.redis === state || undefined;
    };
    try {
      await until('the state', stateIs('down'));
      await allow('&parley:*');
      await until('the subscription', async () => (await redis.subscribers()) === 3 || undefined);
      expect(await stateIs('down')()).toBe(true);
      await allow('+publish');
      await until('the state', stateIs('up'));
    } finally {
      await server.stop();
    }
  });
});

describe('without Redis', () => {
  beforeAll(() => start(null));
  afterAll(() => stop());

  test('every event crosses by polls of the database', () => expectAllTypes());

  test('messages of both servers come in their order and once', async () => {
    const chat = await alex.createChat([sam]);
    const client = await follow(sam);
    const texts: string[] = [];
    for (let n = 0; n < 60; n += 1) {
      texts.push(`text ${n}`);
      await (n % 3 ? alex : there(alex)).send(chat, `text ${n}`);
    }
    await hasText(client, 'text 59');
    expect(textsOf(client, chat)).toEqual(texts);
  });

  test('a member who is removed on one server is told nothing else on the other one', async () => {
    const chat = await alex.createChat([sam]);
    const client = await follow(sam);
    await alex.send(chat, 'before');
    await update(chat, { mode: 'delete', user: 'sam' });
    await alex.send(chat, 'after');
    const marker = await alex.createChat([sam]);
    expect((await has(client, chat, 'chat.removed')).data).toEqual({ reason: 'removed' });
    await has(client, marker, 'chat.added');
    expect(client.events.filter((event) => event.chat === chat).at(-1)?.type).toBe('chat.removed');
    expect(textsOf(client, chat)).not.toContain('after');
  });

  test('who is added and removed between two polls is told no text of that time', async () => {
    const chat = await alex.createChat([]);
    const client = await follow(sam);
    disablePolls();
    await update(chat, { mode: 'add', user: 'sam' });
    const index = await alex.send(chat, 'draft');
    await update(chat, { mode: 'delete', user: 'sam' });
    expectSuccess(await alex.put(`/api/chats/${chat}/messages/${index}`, { message: 'secret' }));
    vi.restoreAllMocks();
    await has(client, chat, 'chat.removed');
    const marker = await alex.createChat([sam]);
    await has(client, marker, 'chat.added');
    expect(client.types(chat)).toEqual(['chat.removed']);
  });

  test('who is removed on one server while the other one replays is told nothing later', async () => {
    const chat = await alex.createChat([sam]);
    const { readyId } = await follow(sam);
    const index = await alex.send(chat, 'draft');
    const replays = servers[1].app.get(Replays);
    const find = replays.find.bind(replays);
    vi.spyOn(replays, 'find').mockImplementation(async (...args) => {
      const found = await find(...args);
      await update(chat, { mode: 'delete', user: 'sam' });
      expectSuccess(await alex.put(`/api/chats/${chat}/messages/${index}`, { message: 'secret' }));
      return found;
    });
    const client = await followSse(there(sam), readyId);
    clients.push(client);
    await has(client, chat, 'chat.removed');
    expect(textsOf(client, chat)).toEqual([]);
  });

  test.each([
    ['a logout', 'the token', (member: Member) => member.get('/api/auth/logout'), false],
    ['an erasure', 'the user', (member: Member) => member.delete(`/api/users/${member.username}`), true],
  ])('%s ends the streams of %s, and no others', async (_, _whose, revoke, endsOthers) => {
    const member = await signUp();
    const other = await servers[0].parley.login(member.username, member.password);
    const streams = [await follow(member), await follow(member, followSocket)];
    const kept = await follow(sam);
    const others = await followSse({ parley: servers[1].parley, token: other });
    clients.push(others);
    expectSuccess(await revoke(member));
    const codes = await Promise.all(streams.map(async (stream) => (await stream.waitForEnd())?.code));
    expect(codes).toEqual(['token_invalid', 4401]);
    expect(kept.hasEnded).toBe(false);
    if (endsOthers) expect((await others.waitForEnd())?.code).toBe('token_invalid');
    else expect(others.hasEnded).toBe(false);
  });

  test('revoking all tokens of a user ends the streams of these, and none of a later login', async () => {
    const member = await signUp();
    const client = await follow(member);
    const { app, parley } = servers[0];
    const userId = Number(claimsOf(member.token).sub);
    await app.get(UnitOfWork).run((tx) => app.get(TokensService).revokeSessions(tx, userId));
    const token = await parley.login(member.username, member.password);
    const later = await followSse({ parley: servers[1].parley, token });
    clients.push(later);
    expect((await client.waitForEnd())?.code).toBe('token_invalid');
    const polls = vi.spyOn(
      Feed.prototype as unknown as { pollRevocations(): Promise<void> },
      'pollRevocations',
    );
    await until('two polls', () => polls.mock.calls.length > 2 || undefined);
    await Promise.all(polls.mock.results.map(({ value }) => value));
    expect(later.hasEnded).toBe(false);
  });

  test('health tells nothing of Redis', async () => {
    const { body } = await servers[0].parley.get('/api/health/ready');
    expect(body.data).toEqual({ database: 'up', storage: 'up' });
  });
});

describe('one server', () => {
  let client: LiveClient;
  let chat: string;

  beforeAll(() => start(null, 1));
  afterAll(() => stop());

  beforeEach(async () => {
    // What happened before the first follower must not be told by a poll.
    chat = await alex.createChat([sam]);
    await alex.send(chat, 'before');
    expectSuccess(await sam.put(`/api/chats/${chat}/read`, { index: 1 }));
    client = await followSse(sam);
    clients.push(client);
  });

  test('tells of a commit whose answer is lost, and ends no stream', async () => {
    const commit: (this: Transaction) => Promise<void> = Reflect.get(Transaction.prototype, 'commit');
    vi.spyOn(Transaction.prototype, 'commit').mockImplementationOnce(async function (this: Transaction) {
      await commit.call(this);
      throw new DatabaseUnavailable('the answer is lost');
    });
    const json = { type: 'message', message: 'doubtful' };
    expect((await alex.post(`/api/chats/${chat}/messages`, json)).status).toBe(503);
    await hasText(client, 'doubtful');
    expect(client.hasEnded).toBe(false);
  });

  test('tells nothing twice, and nothing from before, over several polls', async () => {
    const polls = vi.spyOn(Feed.prototype as unknown as { poll(): Promise<void> }, 'poll');
    const handed = vi.spyOn(FanOut.prototype, 'addRanges');
    for (let n = 0; polls.mock.calls.length < 3; n += 1) {
      await alex.send(chat, `text ${n}`);
      await hasText(client, `text ${n}`);
      expectSuccess(await sam.put(`/api/chats/${chat}/read`, { index: n + 2 }));
    }
    await Promise.all(polls.mock.results.map(({ value }) => value));
    await alex.send(chat, 'last');
    await hasText(client, 'last');
    const ends = handed.mock.calls.flatMap(([ranges]) => ranges.map(({ to }) => to.at));
    expect(ends).toHaveLength(textsOf(client, chat).length);
    const told = client.events.map(({ type, data }) => `${type} ${data.index}`);
    // A marker is told as it is when it is read, so a late one may repeat the next one.
    const messages = told.filter((text) => !text.startsWith('chat.read'));
    expect(messages).toEqual([...new Set(messages)]);
    expect(textsOf(client, chat)[0]).toBe('text 0');
    expect(told[0]).not.toBe('chat.read 1');
  });
});

test.skipIf(hasNoRedis)('a server starts, serves and stops while Redis is away or frozen', async () => {
  redis = await RedisServer.start();
  const proxy = new TcpProxy({ host: '127.0.0.1', port: redis.port });
  await proxy.open();
  await start(`redis://127.0.0.1:${proxy.port}`);
  await until('Redis', async () => (await redisIsUp()) || undefined);
  proxy.freeze();
  const chat = await alex.createChat([sam]);
  const client = await follow(sam);
  for (let n = 0; n < 20; n += 1) await alex.send(chat, `frozen ${n}`);
  await hasText(client, 'frozen 19');
  await proxy.cut();
  await alex.send(chat, 'cut');
  await hasText(client, 'cut');
  client.close();
  await stop();

  await start(`redis://127.0.0.1:${proxy.port}`);
  const { status, body } = await servers[0].parley.get('/api/health/ready');
  expect([status, body.data.redis]).toEqual([200, 'down']);
  await proxy.open();
  await until('Redis', async () => (await redisIsUp()) || undefined);
  await stop();
  await proxy.cut();
  await redis.kill();
});
