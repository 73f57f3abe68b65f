import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/free-port.js';
import { under } from '../support/keyed.js';
import { type Ending, type Follow, followSocket, followSse, type LiveClient } from '../support/live.js';
import { Load, MAX_UNDER_WAY } from '../support/load.js';
import { createDatabase } from '../support/mariadb.js';
import { Nginx } from '../support/nginx.js';
import { expectSuccess, type Member, Parley } from '../support/parley.js';
import { RedisServer } from '../support/redis.js';
import { ServerProcess } from '../support/server-process.js';
import type { TestDatabase } from '../support/server.js';
import { until } from '../support/until.js';

/** Of the rolling restart. */
const MIN_REQUESTS = Number(process.env.ROLLING_REQUESTS ?? 3_000);
const MIN_ROUNDS = 2;

const FEED_MS = 200;

let database: TestDatabase;
let redis: RedisServer;
let ports: [number, number];
let servers: ServerProcess[];
let nginx: Nginx;
let parley: Parley;
let alex: Member;

const startInstance = (n: number) =>
  ServerProcess.start(database, {
    PORT: String(ports[n]),
    JWT_SECRET: 'one secret for all of the instances',
    REDIS_URL: redis.url,
    TRUSTED_PROXIES: '127.0.0.1',
  });

beforeAll(async () => {
  database = await createDatabase('MariaDB');
  redis = await RedisServer.start();
  ports = [await freePort(), await freePort()];
  // One after the other, because the first creates the schema.
  servers = [await startInstance(0), await startInstance(1)];
  nginx = await Nginx.start(ports);
  parley = await Parley.at(nginx.url);
  alex = await parley.signUp('alex');
});

afterAll(async () => {
  await nginx?.stop();
  await Promise.all(servers.map((server) => server.end('SIGKILL')));
  await redis?.kill();
  await database.drop();
});

function startLoad(chat: string): Load {
  const load = new Load(alex, chat, nginx.url);
  onTestFinished(() => load.stop());
  return load;
}

/** Sends a message from time to time. */
class Feed {
  count = 0;
  private isStopped = false;
  private readonly running: Promise<void>;

  constructor(
    private readonly sender: Member,
    private readonly chat: string,
  ) {
    this.running = this.run();
    this.running.catch(() => {});
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      const message = { type: 'message', message: 'feed' };
      const path = `/api/chats/${this.chat}/messages`;
      const sent = await this.sender.post(path, message, under(`feed-${this.chat}-${this.count}`));
      this.count = expectSuccess(sent).data.index;
      await sleep(FEED_MS);
    }
  }
}

/** A client that resumes at once whenever its stream ends. */
class Returner {
  readonly endings: Ending[] = [];
  isFollowing = false;
  /** Indexes of the chat's messages, in the order in which the streams first told them. */
  private readonly told = new Set<number>();
  private isStopped = false;
  private close = () => {};
  private readonly running: Promise<void>;

  constructor(
    private readonly member: Member,
    private readonly chat: string,
    private readonly follow: Follow,
  ) {
    this.running = this.run();
    this.running.catch(() => {});
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.close();
    await this.running;
  }

  async expectAll(count: number): Promise<void> {
    const isTold = until('all messages', () => this.told.size >= count || undefined);
    await Promise.race([isTold, this.running]);
    expect([...this.told]).toEqual(Array.from({ length: count }, (_, n) => n + 1));
  }

  private async run(): Promise<void> {
    let since: string | undefined;
    while (!this.isStopped) {
      const client = await this.follow(this.member, since);
      if (!client.isReady) throw new Error(`no stream: ${JSON.stringify(client.ending)}`);
      if (since !== undefined) expect(client.recovered).toBe(true);
      this.isFollowing = true;
      this.close = client.close;
      if (this.isStopped) client.close();
      while (!client.hasEnded) {
        this.note(client);
        await sleep(10);
      }
      this.note(client);
      since = client.lastId;
      if (!this.isStopped) this.endings.push(client.ending);
    }
  }

  private note({ events }: LiveClient): void {
    for (const { type, chat, data } of events.splice(0)) {
      if (type === 'message.created' && chat === this.chat) this.told.add(data.index);
    }
  }
}

async function startReturners(chat: string): Promise<Returner[]> {
  const returners = [followSse, followSocket].flatMap((follow) =>
    [1, 2, 3].map(() => new Returner(alex, chat, follow)),
  );
  onTestFinished(async () => {
    for (const returner of returners) await returner.stop();
  });
  await until('all streams', () => returners.every(({ isFollowing }) => isFollowing) || undefined);
  return returners;
}

const hasBeenTold = (ending: Ending) => ending?.code === 'restart' || ending?.code === 1012;

test('a rolling restart under load fails no request and loses no message', async () => {
  const [chat, fed] = [await alex.createChat([]), await alex.createChat([])];
  const returners = await startReturners(fed);
  const feed = new Feed(alex, fed);
  const load = startLoad(chat);
  let restarts = 0;
  while (restarts < 2 * MIN_ROUNDS || load.requests < MIN_REQUESTS) {
    const n = restarts % 2;
    expect(await servers[n].end()).toEqual({ code: 0, signal: null });
    servers[n] = await startInstance(n);
    restarts += 1;
    await load.advance(200);
  }
  await load.stop();
  await feed.stop();
  expect(load.failures).toEqual([]);
  await load.expectExactlyAcknowledged();
  const endings = returners.flatMap((returner) => returner.endings);
  expect(endings.length).toBeGreaterThan(0);
  expect(endings.filter((ending) => !hasBeenTold(ending))).toEqual([]);
  for (const returner of returners) {
    await returner.expectAll(feed.count);
    await returner.stop();
  }
  console.log(`${load.requests} requests, ${endings.length} streams resumed in ${restarts} restarts`);
});

test('of two instances one is killed under load: only its requests fail, and keys repeat them', async () => {
  const [chat, fed] = [await alex.createChat([]), await alex.createChat([])];
  const returners = await startReturners(fed);
  const feed = new Feed(alex, fed);
  const load = startLoad(chat);
  await load.advance(200);
  await servers[0].end('SIGKILL');
  await load.advance(500);
  await until(
    'the streams to resume',
    () => returners.some(({ endings }) => endings.length > 0) || undefined,
  );
  servers[0] = await startInstance(0);
  await load.advance(200);
  await load.stop();
  await feed.stop();
  expect(load.failures.length, load.failures.join('\n')).toBeLessThanOrEqual(MAX_UNDER_WAY);
  expect([...load.inDoubt].filter((text) => text.startsWith('with-key'))).toEqual([]);
  await load.expectExactlyAcknowledged();
  for (const returner of returners) {
    await returner.expectAll(feed.count);
    await returner.stop();
  }
  console.log(`${load.failures.length} of ${load.requests} requests failed`);
});
