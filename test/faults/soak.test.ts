import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as fc from 'fast-check';
import { Agent, setGlobalDispatcher } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { form } from '../support/forms.js';
import {
  makeWorld,
  type Operation,
  operationsOf,
  requestsOf,
  type World,
} from '../support/generated-requests.js';
import { expectSuccess, type Json, type Parley } from '../support/parley.js';
import { descriptorsOf, memoryOf } from '../support/process-stats.js';
import { ServerProcess } from '../support/server-process.js';
import { createTestDatabase, type TestDatabase } from '../support/server.js';
import { until } from '../support/until.js';

/** The first third fills caches, and is not measured. */
const SECONDS = Number(process.env.SOAK_SECONDS ?? 180);

/** Set SEED to send other requests. */
const SEED = Number(process.env.SEED ?? 1);

const CLIENTS = 4;
/** Leaves the processor to the tests that run beside this one. */
const PAUSE_MS = 20;
const SAMPLE_MS = 3_000;
const PROBE = pathToFileURL(join(import.meta.dirname, '../support/memory-probe.mjs')).href;

/** What is left in the server's process after a garbage collection. */
interface Remains {
  bytes: number;
  /** The number of handles of each type. */
  handles: Record<string, number>;
  listeners: number;
  descriptors: number;
}

let database: TestDatabase;
let server: ServerProcess;
let parley: Parley;
let document: Json;
let operations: Operation[];
let worlds = 0;
const calls = new Map<string, number>();

beforeAll(async () => {
  renewAgent();
  database = await createTestDatabase('');
  server = await ServerProcess.start(database, { NODE_OPTIONS: `--import=${PROBE}`, LOG_LEVEL: 'warn' });
  parley = await server.parley();
  document = (await parley.get('/api/docs-json')).body;
  operations = operationsOf(document);
});

afterAll(async () => {
  await server.end('SIGKILL');
  await database.drop();
});

async function probe(): Promise<Remains> {
  const lines = () => server.stderr.match(/^probe .*(?=\n)/gm) ?? [];
  const count = lines().length;
  server.signal('SIGCONT');
  const line = await until('the memory of the server', () => lines()[count]);
  return { ...JSON.parse(line.slice('probe '.length)), descriptors: descriptorsOf(server.pid) };
}

/** Calls the operation with a random request. Returns whether it may have taken something from the world. */
async function call(operation: Operation, { member, known }: World, seed: number): Promise<boolean> {
  const { id, method } = operation;
  calls.set(id, (calls.get(id) ?? 0) + 1);
  if (id === 'uploadFile' || id === 'downloadFile') {
    const path = `/api/chats/${known.chat}/messages`;
    const { uuid } = expectSuccess(await member.post(path, { type: 'file', filename: 'a' })).data;
    const options = { token: member.token, ...form({ content: 'x'.repeat(10_000) }) };
    expectSuccess(await parley.request('POST', `/api/files/${uuid}`, options));
    expect((await member.get(`/api/files/${uuid}`)).status).toBe(200);
    return false;
  }
  const [{ path, json }] = fc.sample(requestsOf(document, operation, known), { numRuns: 1, seed });
  const { status, body } = await parley.request(method, path, { token: member.token, json });
  expect(status, `${method} ${path} ${JSON.stringify(body)}`).toBeLessThan(500);
  return status === 200 && (method === 'DELETE' || method === 'PUT' || ['logout', 'leaveRoom'].includes(id));
}

/** Runs all clients for so long. */
async function useServer(seconds: number, seed: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  const useOne = async (client: number) => {
    let world: World | undefined;
    for (let n = 0; performance.now() < end; n += CLIENTS) {
      world ??= await makeWorld(parley, (worlds += 1));
      const requestSeed = seed + n + client;
      const [operation] = fc.sample(fc.constantFrom(...operations), { numRuns: 1, seed: requestSeed });
      if (await call(operation, world, requestSeed)) world = undefined;
      await sleep(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, client) => useOne(client)));
}

let agent: Agent;

function renewAgent(): void {
  agent = new Agent();
  setGlobalDispatcher(agent);
}

/** Returns by which fraction of the mean the line through the samples rises from the first to the last. */
function riseOf(samples: { seconds: number; bytes: number }[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [
    mean(samples.map(({ seconds }) => seconds)),
    mean(samples.map(({ bytes }) => bytes)),
  ];
  const covariance = mean(samples.map(({ seconds, bytes }) => (seconds - meanX) * (bytes - meanY)));
  const variance = mean(samples.map(({ seconds }) => (seconds - meanX) ** 2));
  return ((covariance / variance) * (samples[samples.length - 1].seconds - samples[0].seconds)) / meanY;
}

/** Closes all connections, and returns what the server still holds once that is no more than `limit`. */
async function disconnect(limit?: Remains): Promise<Remains> {
  await agent.close();
  renewAgent();
  let remains = await probe();
  const isWithin = () => {
    if (!limit) return !remains.handles.TCPSocketWrap;
    const handles = Object.entries(remains.handles);
    return (
      remains.descriptors <= limit.descriptors &&
      remains.listeners <= limit.listeners &&
      handles.every(([type, count]) => count <= (limit.handles[type] ?? 0))
    );
  };
  await until('the server to close all connections', async () => {
    remains = await probe();
    return isWithin() || undefined;
  }).catch((error: unknown) => {
    throw new Error(`the server keeps ${JSON.stringify(remains)}, before ${JSON.stringify(limit)}`, {
      cause: error,
    });
  });
  return remains;
}

test(
  'under all routes in random order, the server keeps no memory, no descriptor and no listener',
  async () => {
    await useServer(SECONDS / 3, SEED);
    const before = await disconnect();
    const samples: { seconds: number; bytes: number }[] = [];
    const over = new AbortController();
    const sampling = (async () => {
      while (!over.signal.aborted) {
        samples.push({ seconds: performance.now() / 1000, bytes: (await probe()).bytes });
        await sleep(SAMPLE_MS);
      }
    })();
    await useServer((SECONDS * 2) / 3, SEED + 1_000_000).finally(() => over.abort());
    await sampling;
    const rise = riseOf(samples);
    const total = [...calls.values()].reduce((sum, count) => sum + count, 0);
    const [first, last] = [samples[0], samples[samples.length - 1]].map(({ bytes }) =>
      (bytes / 1e6).toFixed(1),
    );
    console.log(
      `${total} calls of ${calls.size} routes, ${worlds} users: from ${first} to ${last} MB after garbage ` +
        `collection, a rise of ${(rise * 100).toFixed(1)} %; RSS ${memoryOf(server.pid, 'VmRSS').toFixed(0)} MiB`,
    );
    expect([...calls.keys()].toSorted()).toEqual(operations.map(({ id }) => id).toSorted());
    expect(rise).toBeLessThan(0.05);
    await disconnect(before);
    expect(server.stderr).not.toMatch(/MaxListenersExceededWarning/);
  },
  (SECONDS + 60) * 1000,
);
