import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchDatabase } from './databases.js';
import type { Goal } from './goals.js';
import { measureBroadcasts, measureIdleStreams } from './live-fan-out.js';
import type { LiveFigures, LiveTestbed } from './live-figures.js';
import { measureResumes, measureReturn } from './live-resumes.js';
import { measureSendsOverSockets, measureSendsToStreams } from './live-sends.js';
import { median } from './measure.js';
import type { Options } from './options.js';
import { seedLive } from './seed-live.js';
import { startServer } from './servers.js';

/** Streams that resume are told again what has happened in the 30 s before. */
const SETTLE_MS = 31_000;

const WORKLOADS: Record<string, (name: string, testbed: LiveTestbed) => Promise<LiveFigures[]>> = {
  'live: 5,000 idle streams': measureIdleStreams,
  // Before the workloads that send to the same chats.
  'live: resume with 1,000 missed': measureResumes,
  'live: 1,000 streams return': measureReturn,
  'live: one message to 1,000': measureBroadcasts,
  'live: send over 50 chats': measureSendsToStreams,
  'live: send on 64 sockets of 4 users': measureSendsOverSockets,
};

/** Measures live events in processes of their own, by turns with bare servers. */
export async function measureLive(
  database: BenchDatabase,
  parentFolder: string,
  options: Options,
): Promise<LiveFigures[]> {
  const { only } = options;
  const wanted = Object.entries(WORKLOADS).filter(
    ([name]) => !only.length || only.some((start) => name.startsWith(start)),
  );
  if (!wanted.length) return [];
  const folder = join(parentFolder, 'live');
  mkdirSync(folder);
  const env = { DATABASE_URL: database.url, JWT_SECRET: randomBytes(48).toString('base64url') };
  const start: LiveTestbed['start'] = (name, nodeFlags) => startServer(name, env, folder, nodeFlags);
  console.error(`Filling ${database.name} for live events`);
  const seeding = await start('parley');
  const seed = await seedLive(database.url, env.JWT_SECRET, seeding);
  await seeding.stop();
  const settled = sleep(SETTLE_MS);
  const figures: LiveFigures[] = [];
  const parley = await start('parley');
  for (const [name, measure] of wanted) {
    figures.push(...(await measure(name, { parley, seed, settled, start, options })));
  }
  return figures;
}

export function makeLiveGoals(figures: LiveFigures[]): Goal[] {
  const find = (workload: string, contender: string) =>
    figures.find((found) => found.workload.includes(workload) && found.contender === contender);
  const rates = (workload: string, one: string, other: string) => {
    const others = find(workload, other)?.rates ?? [];
    return median(find(workload, one)?.rates.map((rate, round) => rate / others[round]) ?? []);
  };
  const memory = (contender: string) => median(find('idle', contender)?.bytes ?? []) / 1000;
  const percentile = (workload: string, contender: string, percent: number) =>
    find(workload, contender)?.percentile(percent) ?? NaN;
  const p99 = (workload: string, contender: string) => percentile(workload, contender, 99);
  const [socket, sse, one, back] = ['Parley, WebSocket', 'Parley, SSE', 'one message', 'streams return'];
  const goals: [what: string, sign: '≤' | '≥', limit: number, unit: string, value: number][] = [
    ['memory of an idle WebSocket', '≤', 10, 'KB', memory(socket)],
    ['memory of an idle SSE stream', '≤', 15, 'KB', memory(sse)],
    ['one message to 1,000', '≥', 1, '× ws', rates(one, socket, 'ws')],
    ['one message to 1,000', '≥', 1.2, '× Socket.IO', rates(one, socket, 'Socket.IO')],
    ['one message to 1,000, SSE', '≥', 0.8, '× node:http', rates(one, sse, 'node:http, SSE')],
    ['one message to 1,000, p99', '≤', 1.5, '× ws', p99(one, socket) / p99(one, 'ws')],
    [
      'send over 50 chats with streams',
      '≥',
      0.6,
      '×',
      rates('50', '5 WebSockets per chat', 'without streams'),
    ],
    [
      'send over WebSockets',
      '≥',
      1,
      '× REST',
      rates('64', 'over WebSockets', 'over REST, same WebSockets open'),
    ],
    ['resume over WebSocket', '≤', 100, 'ms', percentile('resume', 'WebSocket', 50)],
    ['resume over SSE', '≤', 100, 'ms', percentile('resume', 'SSE', 50)],
    ['1,000 streams return, all ready', '≤', 5_000, 'ms', percentile(back, 'until all are ready', 100)],
    ['p99 of sends meanwhile', '≤', 3, '× before', p99(back, 'sends meanwhile') / p99(back, 'sends before')],
  ];
  return goals.map(([what, sign, limit, unit, value]) => {
    const goal = `live: ${what}: ${sign} ${limit} ${unit}`;
    return { goal, value, unit, ...(sign === '≤' ? { max: limit } : { min: limit }) };
  });
}
