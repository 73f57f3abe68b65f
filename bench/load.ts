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
const LOOK_EVERY = 10;

/** How long to wait for answers at most, in milliseconds. */
const PATIENCE = 20_000;

export const newLatencies = () => createHistogram({ figures: 3 });

/**
 * Drives a server, and counts for so many milliseconds from when each connection may have had an answer; where it is
 * slow, until each may have had another. Latencies are recorded in microseconds. `onWindow` is called when the counting
 * begins, and what it returns when it ends.
 *
 * @throws when any answer is no success.
 */
export async function drive(
  { url, connections, requestsOf }: Load,
  milliseconds: number,
  latencies: RecordableHistogram = newLatencies(),
  onWindow: () => Promise<() => Promise<void>> = () => Promise.resolve(() => Promise.resolve()),
): Promise<Slice> {
  let connection = 0;
  let counting = false;
  const seen = { answers: 0 };
  const failures = new Map<string, number>();
  const fail = (what: string) => failures.set(what, (failures.get(what) ?? 0) + 1);
  const run = autocannon(
    {
      url,
      connections,
      pipelining: 1,
      duration: 3600,
      // How often it looks whether it is to stop.
      sampleInt: 20,
      setupClient: (client) => {
        client.setRequests(requestsOf(connection));
        connection += 1;
      },
    },
    () => {},
  );
  const done = new Promise((resolve) => void run.once('done', resolve));
  run.on('response', (_client, status, _bytes, duration) => {
    if (status !== 200) fail(`status ${status}`);
    seen.answers += 1;
    if (counting) latencies.record(Math.max(1, Math.round(duration * 1000)));
  });
  run.on('reqError', (error: Error) => fail(error.message));

  const answered = async (count: number) => {
    for (let waited = 0; seen.answers < count && waited < PATIENCE; waited += LOOK_EVERY)
      await sleep(LOOK_EVERY);
  };
  await answered(connections);
  const endWindow = await onWindow();
  const start = performance.now();
  const before = seen.answers;
  counting = true;
  await sleep(milliseconds);
  await answered(before + connections);
  counting = false;
  const requests = seen.answers - before;
  const seconds = (performance.now() - start) / 1000;
  await endWindow();
  run.stop();
  await done;
  if (failures.size > 0 || requests === 0) {
    const list = [...failures].map(([what, count]) => `${what} (${count} times)`).join(', ');
    throw new Error(`${url} answered: ${list || 'nothing'}`);
  }
  return { requests, seconds };
}
