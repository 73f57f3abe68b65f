import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';

export interface Load {
  url: string;
  connections: number;
  /** What one connection sends, again and again in this order. */
  requestsOf: (connection: number) => autocannon.Request[];
}

/** What happened in a slice. */
export interface Slice {
  requests: number;
  seconds: number;
}

/** How often to look whether enough answers have come, in milliseconds. */
const SWEEP_INTERVAL_MS = 5;

/** How long to wait for answers at most, in milliseconds. */
const PATIENCE = 20_000;

export const newLatencies = () => createHistogram({ figures: 3 });

/** What its types do not say: a client that has had so many answers sends no more. */
type Client = autocannon.Client & { responseMax?: number };

/** Answers next to nothing, whatever the server. */
const IDLE: autocannon.Request[] = [{ method: 'GET', path: '/' }];

/**
 * Answers as they come; failures are kept for the end. Node accepts one connection each time it has answered all others:
 * were these busy, the last of 64 would wait for seconds. So all ask for nothing until the last is there.
 */
class Watch {
  answers = 0;
  counting = false;
  private readonly failures = new Map<string, number>();
  private readonly connected = new Set<Client>();
  /** Clients that still get an answer from before the load began. */
  private readonly late = new Set<Client>();

  constructor(
    private readonly load: Load,
    private readonly clients: Client[],
    run: autocannon.Instance,
    latencies: RecordableHistogram,
  ) {
    run.on('response', (client, status, _bytes, milliseconds) => {
      if (this.connected.size < clients.length) return this.connect(client);
      if (this.late.delete(client)) return;
      if (status !== 200) this.fail(`status ${status}`);
      this.answers += 1;
      if (this.counting) latencies.record(Math.max(1, Math.round(milliseconds * 1000)));
    });
    run.on('reqError', (error: Error) => this.fail(error.message));
  }

  private connect(client: Client): void {
    this.connected.add(client);
    if (this.connected.size < this.clients.length) return;
    for (const [index, one] of this.clients.entries()) {
      one.setRequests(this.load.requestsOf(index));
      if (one !== client) this.late.add(one);
    }
  }

  private fail(what: string): void {
    this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
  }

  /** Waits until so many answers have come. */
  async answered(count: number): Promise<void> {
    for (let waited = 0; this.answers < count && waited < PATIENCE; waited += SWEEP_INTERVAL_MS) {
      await sleep(SWEEP_INTERVAL_MS);
    }
  }

  /** @throws when any answer was no success, or there was none. */
  judge(url: string): void {
    if (this.failures.size === 0 && this.answers > 0) return;
    const list = [...this.failures].map(([what, count]) => `${what} (${count} times)`).join(', ');
    throw new Error(`${url} answered: ${list || 'nothing'}`);
  }
}

/** Calls `begin` when the counting begins, and what it returns when it ends. */
export type Meter = () => Promise<() => Promise<void>>;

const NO_METER: Meter = () => Promise.resolve(() => Promise.resolve());

/** The part of the connections whose answers are waited for before the counting begins, and counted at least. */
const PART = 1 / 4;

/**
 * Drives a server, and counts for so many milliseconds, in the middle: the first answers come before it, and in the end
 * each connection waits for its last one, so that no work is left over. Latencies are recorded in microseconds.
 *
 * @throws when any answer is no success.
 */
export async function drive(
  load: Load,
  milliseconds: number,
  latencies: RecordableHistogram = newLatencies(),
  meter = NO_METER,
): Promise<Slice> {
  // It is stopped long before; it looks every 20 ms whether it is to stop.
  const { run, clients, done } = start(load, { duration: 3600, sampleInt: 20 }, () => IDLE);
  const watch = new Watch(load, clients, run, latencies);
  const some = Math.ceil(load.connections * PART);
  await watch.answered(some);
  const endMeter = await meter();
  const begin = performance.now();
  const before = watch.answers;
  watch.counting = true;
  await sleep(milliseconds);
  await watch.answered(before + some);
  watch.counting = false;
  const requests = watch.answers - before;
  const seconds = (performance.now() - begin) / 1000;
  await endMeter();
  // autocannon's own `stop` would leave the server with all it has just been asked.
  for (const client of clients) client.responseMax = 1;
  await done;
  watch.judge(load.url);
  return { requests, seconds };
}

/** As {@link drive}, but each connection sends its one request once, as soon as it is there. */
export async function driveOnce(load: Load, latencies: RecordableHistogram, meter: Meter): Promise<Slice> {
  const endMeter = await meter();
  const begin = performance.now();
  const { run, done } = start(load, { amount: load.connections }, load.requestsOf);
  let requests = 0;
  let end = begin;
  run.on('response', (_client, status, _bytes, milliseconds) => {
    end = performance.now();
    if (status !== 200) return;
    requests += 1;
    latencies.record(Math.max(1, Math.round(milliseconds * 1000)));
  });
  await done;
  await endMeter();
  if (requests < load.connections) {
    throw new Error(`${load.url} answered ${requests} of ${load.connections} requests`);
  }
  return { requests, seconds: (end - begin) / 1000 };
}

function start(
  { url, connections }: Load,
  options: Partial<autocannon.Options>,
  requestsOf: (connection: number) => autocannon.Request[],
) {
  const clients: Client[] = [];
  const setupClient = (client: autocannon.Client) => {
    // Copies: autocannon keeps what it has made of a request in it.
    client.setRequests(requestsOf(clients.length).map((request) => ({ ...request })));
    clients.push(client);
  };
  const run = autocannon({ url, connections, pipelining: 1, setupClient, ...options }, () => {});
  const done = new Promise((resolve) => void run.once('done', resolve));
  return { run, clients, done };
}
