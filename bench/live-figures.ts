import { performance } from 'node:perf_hooks';
import pLimit from 'p-limit';
import pidusage from 'pidusage';
import { EventSourceStream, type LiveStream, SocketIoStream, WebSocketStream } from './live-clients.js';
import { createLatencies } from './load.js';
import { median } from './measure.js';
import type { Options } from './options.js';
import type { LiveSeed } from './seed-live.js';
import type { Server, startServer } from './servers.js';
import type { User } from './api.js';

export interface LiveTestbed {
  parley: Server;
  seed: LiveSeed;
  /** Resolves when the chats are so old that nobody who resumes is told of them. */
  settled: Promise<void>;
  options: Options;
  start: (name: Parameters<typeof startServer>[0], nodeFlags?: string[]) => Promise<Server>;
}

/** Opens a stream. Only Parley's streams look at the token and resume. */
export type Open = (url: string, user: User, since?: string) => LiveStream;

const TIMEOUT_MS = 120_000;
const OPENED_TOGETHER = 100;

export const openWebSocket: Open = (url, { token }, since) => new WebSocketStream(url, token, since);
export const openEventSource: Open = (url, { token }, since) => new EventSourceStream(url, token, since);

/** What is compared where bare servers take turns with Parley. */
export const CONTENDERS = [
  { name: 'Parley, WebSocket', script: 'parley', open: openWebSocket },
  { name: 'ws', script: 'ws', open: openWebSocket },
  { name: 'Parley, SSE', script: 'parley', open: openEventSource },
  { name: 'node:http, SSE', script: 'sse', open: openEventSource },
  { name: 'Socket.IO', script: 'socketIo', open: (url: string) => new SocketIoStream(url) },
] as const;

/** What one contender has shown in one workload. */
export class LiveFigures {
  /** What is counted per second, in each round. */
  readonly rates: number[] = [];
  /** Bytes of memory per stream, in each round. */
  readonly bytes: number[] = [];
  readonly latencies = createLatencies();
  /** Shares of one processor. */
  private readonly serverCpu: number[] = [];
  private readonly clientCpu: number[] = [];

  constructor(
    readonly workload: string,
    readonly contender: string,
  ) {}

  /** Milliseconds; NaN without any. */
  percentile(percent: number): number {
    return this.latencies.count ? this.latencies.percentile(percent) / 1000 : NaN;
  }

  record(milliseconds: number): void {
    this.latencies.record(Math.max(1, Math.round(milliseconds * 1000)));
  }

  /** Adds a round. `task` returns how much it has counted. */
  async addRound(pid: number, task: () => Promise<number>): Promise<void> {
    const [server, client, start] = [await pidusage(pid), process.cpuUsage(), performance.now()];
    const count = await task();
    const elapsedMs = performance.now() - start;
    const { user, system } = process.cpuUsage(client);
    this.rates.push(count / (elapsedMs / 1000));
    this.clientCpu.push((user + system) / 1000 / elapsedMs);
    this.serverCpu.push(((await pidusage(pid)).ctime - server.ctime) / elapsedMs);
  }

  render(): string[] {
    const columns: [number, number][] = [
      [median(this.rates), 0],
      [this.percentile(50), 2],
      [this.percentile(99), 2],
      [median(this.bytes) / 1000, 1],
      [median(this.serverCpu), 2],
      [median(this.clientCpu), 2],
    ];
    const texts = columns.map(([value, digits]) => (Number.isFinite(value) ? value.toFixed(digits) : ''));
    return [this.workload, this.contender, ...texts];
  }
}

export async function openStreams<T extends LiveStream>(
  count: number,
  open: (place: number) => T,
): Promise<T[]> {
  const openOne = async (place: number) => {
    const stream = open(place);
    await stream.ready;
    return stream;
  };
  return inTime(
    'opening streams',
    pLimit(OPENED_TOGETHER).map(Array.from({ length: count }).keys(), openOne),
  );
}

export async function closeAll(sockets: { close(): Promise<void> }[]): Promise<void> {
  await Promise.all(sockets.map((socket) => socket.close()));
}

/** Ends the run if an event or an answer is lost. */
export async function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  const fail = () => void Promise.reject(new Error(`${what}: not done after ${TIMEOUT_MS} ms`));
  const timer = setTimeout(fail, TIMEOUT_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
