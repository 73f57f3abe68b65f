import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectSuccess, type Json, type Member } from '../support/parley.js';
import { GaleraCluster } from '../support/galera.js';
import { ServerProcess } from '../support/server-process.js';
import type { TestDatabase } from '../support/server.js';
import { until } from '../support/until.js';
import { Writers } from '../support/writers.js';

const MINUTE = 60_000;

let cluster: GaleraCluster;
let database: TestDatabase;
const servers: ServerProcess[] = [];

beforeAll(async () => {
  cluster = await GaleraCluster.start();
  database = await cluster.createDatabase();
}, 3 * MINUTE);

afterEach(() => stopServers());

afterAll(async () => {
  await cluster?.close();
  if (database) rmSync(database.dataDir, { recursive: true, force: true });
});

/** Starts a server that prefers the nodes in the given order. */
async function start(...order: number[]): Promise<ServerProcess> {
  const server = await ServerProcess.start({ ...database, url: cluster.url(order, nameOf(database)) });
  servers.push(server);
  return server;
}

async function stopServers(): Promise<void> {
  await Promise.all(servers.splice(0).map((server) => server.end('SIGKILL')));
}

const nameOf = ({ url }: TestDatabase) => url.slice(url.lastIndexOf('/') + 1);

async function signUp(server: ServerProcess, name: string): Promise<Member> {
  return (await server.parley()).signUp(name);
}

async function waitUntilReady({ url }: ServerProcess, isReady: boolean): Promise<void> {
  await until(
    `the server to be ${isReady ? 'ready' : 'not ready'}`,
    async () => {
      const { status } = await fetch(`${url}/api/health/ready`);
      return (status === 200) === isReady || undefined;
    },
    MINUTE,
  );
}

async function expectDenseIndexes(member: Member, chat: string, count: number): Promise<void> {
  const indexes: number[] = [];
  for (;;) {
    const path = `/api/chats/${chat}/messages?per_page=1000&after=${indexes.at(-1) ?? 0}`;
    const { messages } = expectSuccess(await member.get(path)).data;
    indexes.push(...messages.map(({ index }: Json) => index));
    if (messages.length < 1000) break;
  }
  expect(indexes).toEqual(Array.from({ length: count }, (_, n) => n + 1));
}

describe('servers that start together on an empty database', () => {
  test('migrate it once', async () => {
    const started = await Promise.all([start(0), start(1), start(2), start(0)]);
    const alex = await signUp(started[0], 'alex');
    const chat = await alex.createChat([]);
    for (const server of started) {
      await waitUntilReady(server, true);
      expect(server.output).not.toContain('already exists');
    }
    expect(await alex.send(chat, 'hi')).toBe(1);
  });
});

describe('two servers on two nodes', () => {
  let a: ServerProcess;
  let b: ServerProcess;

  async function startBoth(): Promise<void> {
    [a, b] = await Promise.all([start(0), start(1)]);
  }

  test('write one chat, and lose and double nothing', async () => {
    await startBoth();
    const alex = await signUp(a, 'one-chat');
    const chat = await alex.createChat([]);
    const writers = [new Writers(alex, chat, 15, 'a'), new Writers(alex, chat, 15, 'b')];
    writers[1].parley = await b.parley();
    await Promise.all(writers.map((one) => one.advance(500)));
    for (const one of writers) await one.stop();
    await writers[0].expectExactlyAcknowledged(writers[1]);
    const sent = writers.flatMap(({ acknowledged }) => [...acknowledged.values()]);
    await expectDenseIndexes(alex, chat, sent.filter((made) => typeof made === 'number').length);
    expect(writers.map(({ refused }) => refused)).toEqual([0, 0]);
  });

  test('refuse a token that was revoked through the other node, even if their node lags behind', async () => {
    await startBoth();
    const sam = await signUp(a, 'revoked');
    const throughB = await b.parley();
    const path = '/api/chats';
    await until('the token to be good', async () => {
      return (await throughB.get(path, { token: sam.token })).status === 200 || undefined;
    });
    const lagging = await cluster.nodes[1].connect();
    // A node that holds this lock applies nothing of other nodes.
    await lagging.query('FLUSH TABLES WITH READ LOCK');
    const loggedOut = sam.get('/api/auth/logout');
    expect((await loggedOut).status).toBe(200);
    const answer = throughB.get(path, { token: sam.token });
    await lagging.query('SELECT SLEEP(0.5)');
    await lagging.query('UNLOCK TABLES');
    expect((await answer).status).toBe(401);
    await lagging.end();
  });
});

describe('two servers with the same list of nodes, under 30 writers', () => {
  test('go on when a node that they do not use is killed and comes back', async () => {
    await underWriters('another-node', async (advance) => {
      await cluster.kill(2);
      await advance();
      await cluster.revive(2);
      await advance();
    });
  });

  test('move to another node when the writer is killed, and back when it has returned', async () => {
    await underWriters('writer-node', async (advance) => {
      await cluster.kill(0);
      await advance();
      await cluster.revive(0);
      for (const server of servers) {
        await until(
          'the server to move back',
          () => server.output.includes(`127.0.0.1:${cluster.nodes[0].port}: it has recovered`) || undefined,
          MINUTE,
        );
      }
      await advance();
    });
  });

  /** Runs `disturb` while two servers are written. `advance` waits for writes through both. */
  async function underWriters(
    name: string,
    disturb: (advance: () => Promise<unknown>) => Promise<void>,
  ): Promise<void> {
    const both = await Promise.all([start(0, 1, 2), start(0, 1, 2)]);
    const alex = await signUp(both[0], name);
    const chat = await alex.createChat([]);
    const writers = [new Writers(alex, chat, 15, 'a'), new Writers(alex, chat, 15, 'b')];
    writers[1].parley = await both[1].parley();
    const advance = () => Promise.all(writers.map((one) => one.advance(200)));
    await advance();
    await disturb(advance);
    for (const one of writers) await one.stop();
    await writers[0].expectExactlyAcknowledged(writers[1]);
    const silences = writers.map(({ longestSilenceMs }) => Math.round(longestSilenceMs));
    const refused = writers.map((one) => one.refused);
    console.log(
      `${name}: at most ${silences.join(' and ')} ms of silence; refused: ${refused.join(' and ')}`,
    );
    for (const silence of silences) expect(silence).toBeLessThan(15_000);
  }
});

describe('a cluster of which two of three nodes are killed', () => {
  test('answers 503 and is not ready; it recovers without a restart of the server', async () => {
    const server = await start(0, 1, 2);
    const kim = await signUp(server, 'minority');
    const chat = await kim.createChat([]);
    const send = (message: string) => kim.post(`/api/chats/${chat}/messages`, { type: 'message', message });
    const waitUntilSent = (message: string) =>
      until(`${message} to be sent`, async () => (await send(message)).status === 200 || undefined, MINUTE);
    await Promise.all([cluster.kill(0), cluster.kill(1)]);
    await cluster.waitUntilNonPrimary(2);
    await waitUntilReady(server, false);
    const answer = await send('refused');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect((await kim.get('/api/chats')).status).toBe(503);
    await cluster.bootstrap(2);
    await waitUntilReady(server, true);
    await waitUntilSent('accepted');
    await Promise.all([cluster.revive(0), cluster.revive(1)]);
    await waitUntilReady(server, true);
    await waitUntilSent('again');
  });
});
