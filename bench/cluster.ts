import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Table from 'cli-table3';
import pidusage from 'pidusage';
import { createMysql } from './databases.js';
import { RestSocket } from './live-clients.js';
import { closeAll, inTime, openStreams, openWebSocket } from './live-figures.js';
import { median } from './measure.js';
import { type LiveSeed, seedLive, TEAMS_IN_USE } from './seed-live.js';
import { type Server, startServer, stopServers } from './servers.js';
import { textOfMessage } from './texts.js';

const ROUNDS = 3;
const CONNECTIONS = 64;
const WARM_UP_MS = 1_000;
const SLICE_MS = 3_000;
const MAX_UNDER_WAY = 16;

/** What instances do in a second, and the processor time of each that it takes. */
interface Figure {
  rate: number;
  cpu: number;
}

type Workload = (servers: Server[], seed: LiveSeed) => Promise<Figure>;

const WORKLOADS: Record<string, Workload> = {
  'sends over 50 chats': (servers, { teams }) =>
    measureRequests(servers, (socket, connection, turn) => {
      const { uuid, members } = teams[(connection * 7 + turn) % TEAMS_IN_USE];
      const { token } = members[connection % members.length];
      const json = JSON.stringify({ type: 'message', message: textOfMessage(turn) });
      return socket.post(`/api/chats/${uuid}/messages`, token, json);
    }),
  'pages of 50 messages': (servers, { teams }) =>
    measureRequests(servers, (socket, connection, turn) => {
      const { uuid, members } = teams[(connection * 7 + turn) % TEAMS_IN_USE];
      const path = `/api/chats/${uuid}/messages?page=0&per_page=50`;
      return socket.get(path, members[connection % members.length].token);
    }),
  'deliveries to 1,000 WebSockets': measureDeliveries,
};

/** Drives the instances with connections that take turns among them. */
async function measureRequests(
  servers: Server[],
  send: (socket: RestSocket, connection: number, turn: number) => Promise<void>,
): Promise<Figure> {
  const sockets = Array.from(
    { length: CONNECTIONS },
    (_, connection) => new RestSocket(servers[connection % servers.length].url),
  );
  const state = { answers: 0, isStopped: false };
  const loops = sockets.map(async (socket, connection) => {
    for (let turn = 0; !state.isStopped; turn += 1) {
      await send(socket, connection, turn);
      state.answers += 1;
    }
  });
  await sleep(WARM_UP_MS);
  const figure = await measure(servers, async () => {
    const before = state.answers;
    await sleep(SLICE_MS);
    return state.answers - before;
  });
  state.isStopped = true;
  await inTime('the last answers', Promise.all(loops));
  await closeAll(sockets);
  return figure;
}

/** Sends messages to a chat of 1,000 members, whose streams are spread over the instances. */
async function measureDeliveries(servers: Server[], { hall, members }: LiveSeed): Promise<Figure> {
  const streams = await openStreams(members.length, (place) =>
    openWebSocket(servers[place % servers.length].url, members[place]),
  );
  let received = 0;
  for (const stream of streams) stream.onEvent = () => (received += 1);
  const socket = new RestSocket(servers[0].url);
  let sent = 0;
  const sendUntil = async (end: number) => {
    while (performance.now() < end) {
      if (sent - received / streams.length >= MAX_UNDER_WAY) await sleep(1);
      else {
        const json = JSON.stringify({ type: 'message', message: textOfMessage(sent) });
        await socket.post(`/api/chats/${hall}/messages`, members[0].token, json);
        sent += 1;
      }
    }
  };
  await sendUntil(performance.now() + WARM_UP_MS);
  const figure = await measure(servers, async () => {
    const before = received;
    await sendUntil(performance.now() + SLICE_MS);
    return received - before;
  });
  const all = async () => {
    while (received < sent * streams.length) await sleep(5);
  };
  await inTime('the last events', all());
  await closeAll([...streams, socket]);
  return figure;
}

async function measure(servers: Server[], task: () => Promise<number>): Promise<Figure> {
  const readCpu = () => Promise.all(servers.map(async ({ pid }) => (await pidusage(pid)).ctime));
  const [before, start] = [await readCpu(), performance.now()];
  const count = await task();
  const elapsedMs = performance.now() - start;
  const after = await readCpu();
  const shares = after.map((cpu, index) => (cpu - before[index]) / elapsedMs);
  return { rate: count / (elapsedMs / 1_000), cpu: median(shares) };
}

/** Measures one and two instances by turns. `serverUrl` may name the hosts of a cluster. */
async function measureDatabase(name: string, serverUrl: string, folder: string): Promise<string[][]> {
  const database = await createMysql(serverUrl.replace(/,[^/]*/, ''));
  const url = serverUrl.replace(/\/?$/, new URL(database.url).pathname);
  const redis = process.env.BENCH_REDIS_URL;
  const secret = randomBytes(48).toString('base64url');
  const env = { DATABASE_URL: url, JWT_SECRET: secret, ...(redis && { REDIS_URL: redis }) };
  mkdirSync(folder);
  const servers = [await startServer('parley', env, folder), await startServer('parley', env, folder)];
  const seed = await seedLive(database.url, secret, servers[0]);
  const rows: string[][] = [];
  for (const [workload, run] of Object.entries(WORKLOADS)) {
    const figures: Figure[][] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      // Each goes first in turn.
      for (const count of round % 2 ? [2, 1] : [1, 2]) {
        console.error(`${name}: ${workload}, ${count} instances, round ${round + 1}`);
        figures[count - 1].push(await run(servers.slice(0, count), seed));
      }
    }
    const ratios = figures[1].map(({ rate }, round) => rate / figures[0][round].rate);
    rows.push([
      name,
      workload,
      ...figures.flatMap((some) => [
        median(some.map(({ rate }) => rate)).toFixed(0),
        median(some.map(({ cpu }) => cpu)).toFixed(2),
      ]),
      median(ratios).toFixed(2),
    ]);
  }
  await Promise.all(servers.map((server) => server.stop()));
  await database.drop?.();
  return rows;
}

const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
const databases = [
  ['one database', process.env.BENCH_DATABASE_URL],
  ['cluster', process.env.BENCH_CLUSTER_URL],
] as const;
try {
  const table = new Table({
    head: ['database', 'workload', '1 instance, per s', 'CPU', '2 instances, per s', 'CPU of each', 'ratio'],
    style: { head: [] },
  });
  for (const [name, url] of databases) {
    if (url) table.push(...(await measureDatabase(name, url, join(folder, name.replace(' ', '-')))));
  }
  console.log(table.toString());
} finally {
  await stopServers();
  rmSync(folder, { recursive: true, force: true });
}
