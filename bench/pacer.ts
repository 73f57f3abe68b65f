/* oxlint-disable unicorn/require-post-message-target-origin -- Threads have no origin. */
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { RestSocket } from './live-clients.js';

// A thread that sends at a fixed pace between 'start' and 'stop' and then posts the latencies in milliseconds. The main
// thread would count its own delays while it opens streams.

const INTERVAL_MS = 5;
const { url, path, token, json } = workerData as Record<'url' | 'path' | 'token' | 'json', string>;
const sockets = Array.from({ length: 32 }, () => new RestSocket(url));
let sends: Promise<number>[] = [];
let timer: NodeJS.Timeout;

async function send(): Promise<number> {
  const start = performance.now();
  await sockets[sends.length % sockets.length].post(path, token, json);
  return performance.now() - start;
}

parentPort?.on('message', async (command: 'start' | 'stop') => {
  if (command === 'start') timer = setInterval(() => sends.push(send()), INTERVAL_MS);
  else {
    clearInterval(timer);
    const finished = sends;
    sends = [];
    parentPort?.postMessage(await Promise.all(finished));
  }
});
