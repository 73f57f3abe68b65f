import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Dispatcher, Pool } from 'undici';
import type { HttpRequest } from './api.js';

const TIMEOUT_MS = 20_000;
const POLL_INTERVAL_MS = 5;
const READ_INTERVAL_MS = 15;
const UNKNOWN_PATH: HttpRequest = { method: 'GET', path: '/', headers: {} };

/** In microseconds. */
export const createLatencies = () => createHistogram({ figures: 3 });

/**
 * Returns how long the answer took to its end, in microseconds.
 *
 * @throws unless the answer has the expected status. An error that nobody catches ends the run.
 */
function send(dispatcher: Dispatcher, request: HttpRequest, expectedStatus = 200): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    let status = 0;
    dispatcher.dispatch(
      { ...request, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS },
      {
        // Required by undici.
        onRequestStart: () => {},
        onResponseStart: (_controller, statusCode) => {
          status = statusCode;
        },
        onResponseEnd: () => {
          if (status === expectedStatus) resolve(Math.max(1, Math.round((performance.now() - start) * 1000)));
          else reject(new Error(`${request.method} ${request.path} answered ${status}`));
        },
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
}

/** Connections that each send their requests in a loop, the next one when the last one is answered. */
export class Load {
  private answers = 0;
  private isStopped = false;
  /** Set while answers count. */
  private latencies?: RecordableHistogram;
  private readonly loops: Promise<unknown>;

  private constructor(
    private readonly clients: Client[],
    requests: HttpRequest[][],
  ) {
    this.loops = Promise.all(clients.map((client, index) => this.loop(client, requests[index])));
  }

  /** Resolves when the load is steady: after a quarter as many answers as there are connections. */
  static async start(url: string, requests: HttpRequest[][]): Promise<Load> {
    const clients = requests.map(() => new Client(url));
    // Connect first: a busy server accepts one connection per turn of its event loop.
    await Promise.all(clients.map((client) => send(client, UNKNOWN_PATH, 404)));
    const load = new Load(clients, requests);
    await load.waitForQuarter();
    return load;
  }

  /** Counts for at least the given time, and at least a quarter as many answers as there are connections. */
  async count(milliseconds: number, latencies: RecordableHistogram) {
    const start = performance.now();
    const answersBefore = this.answers;
    this.latencies = latencies;
    await Promise.all([sleep(milliseconds), this.waitForQuarter()]);
    this.latencies = undefined;
    return { requests: this.answers - answersBefore, seconds: (performance.now() - start) / 1000 };
  }

  /** Waits for the last answer of each connection, so that the server has no work left. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.loops;
    await Promise.all(this.clients.map((client) => client.close()));
  }

  private async loop(client: Client, requests: HttpRequest[]): Promise<void> {
    for (let turn = 0; !this.isStopped; turn += 1) {
      const latency = await send(client, requests[turn % requests.length]);
      this.answers += 1;
      this.latencies?.record(latency);
    }
  }

  private async waitForQuarter(): Promise<void> {
    const target = this.answers + this.clients.length / 4;
    while (this.answers < target) await sleep(POLL_INTERVAL_MS);
  }
}

/** Sends a request at a fixed pace, whether or not earlier ones are answered. Returns a function to stop. */
export function paceReads(url: string, request: HttpRequest, latencies: RecordableHistogram) {
  const pool = new Pool(url);
  const reads: Promise<void>[] = [];
  const read = async () => latencies.record(await send(pool, request));
  const timer = setInterval(() => reads.push(read()), READ_INTERVAL_MS);
  return async () => {
    clearInterval(timer);
    await Promise.all(reads);
    await pool.close();
  };
}
