import { Agent, get } from 'node:http';
import { performance, type RecordableHistogram } from 'node:perf_hooks';
import type { Call } from './api.js';

/** Between two requests, in milliseconds. */
const EVERY = 15;

/**
 * Reads at a steady pace, whether or not the answer before has come, and records in microseconds how long each took,
 * until the function that it returns is called.
 */
export function paceReads(
  url: string,
  { path, token }: Call,
  latencies: RecordableHistogram,
): () => Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const open = new Set<Promise<void>>();
  const read = () =>
    new Promise<void>((resolve, reject) => {
      const start = performance.now();
      get(url + path, { agent, headers: { authorization: token } }, (response) => {
        response.resume().once('end', () => {
          latencies.record(Math.max(1, Math.round((performance.now() - start) * 1000)));
          if (response.statusCode === 200) resolve();
          else reject(new Error(`${path} answers ${response.statusCode}`));
        });
      }).once('error', reject);
    });
  const timer = setInterval(() => {
    const reading = read();
    open.add(reading);
    reading.then(
      () => open.delete(reading),
      // Told when the pacing ends.
      () => {},
    );
  }, EVERY);
  return async () => {
    clearInterval(timer);
    await Promise.all(open);
    agent.destroy();
  };
}
