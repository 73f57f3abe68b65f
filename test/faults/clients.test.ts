import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { form } from '../support/forms.js';
import { createDatabase, DATABASE_KINDS } from '../support/mariadb.js';
import { expectSuccess, type Member } from '../support/parley.js';
import { descriptorsOf, memoryOf } from '../support/process-stats.js';
import { request } from '../support/raw-http.js';
import { ServerProcess } from '../support/server-process.js';
import type { TestDatabase } from '../support/server.js';
import { filesIn } from '../support/storages.js';
import { until } from '../support/until.js';

const MEBIBYTE = 1_048_576;
const UPLOAD = form({ content: Buffer.alloc(MEBIBYTE) });

let database: TestDatabase;
let server: ServerProcess;
let alex: Member;
let chat: string;

async function start(kind: (typeof DATABASE_KINDS)[number] = 'SQLite'): Promise<void> {
  database = await createDatabase(kind);
  server = await ServerProcess.start(database);
  alex = await (await server.parley()).signUp('alex');
  chat = await alex.createChat([]);
}

afterEach(async () => {
  await server.end('SIGKILL');
  await database.drop();
});

async function open(text: string | Uint8Array): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

const openMany = (count: number, text: string | Uint8Array) =>
  Promise.all(Array.from({ length: count }, () => open(text)));

const closed = async (socket: Socket) => socket.closed || once(socket.resume(), 'close');

async function sendFile(): Promise<string> {
  const message = { type: 'file', filename: 'notes.txt' };
  return expectSuccess(await alex.post(`/api/chats/${chat}/messages`, message)).data.uuid;
}

const uploadHead = (uuid: string) =>
  request('POST', `/api/files/${uuid}`, {
    headers: {
      ...UPLOAD.headers,
      Authorization: alex.token,
      'Content-Length': String(UPLOAD.raw.length),
    },
  });

describe('slow clients', () => {
  beforeEach(() => start());

  /** Sends and reads until `isOver`; every call must succeed. Returns the 99th percentile of the times in ms. */
  async function useMeanwhile(isOver: () => boolean): Promise<number> {
    const times: number[] = [];
    while (!isOver()) {
      const startedAt = performance.now();
      if (times.length % 2 === 0) await alex.send(chat, 'meanwhile');
      else expectSuccess(await alex.get(`/api/chats/${chat}/messages?order=desc&per_page=20`));
      times.push(performance.now() - startedAt);
    }
    return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)];
  }

  test('1,000 slow and half-open clients are cut off, and another client is served meanwhile', async () => {
    let calls = 0;
    const quiet = await useMeanwhile(() => (calls += 1) > 500);

    const json = { 'Content-Type': 'application/json', 'Content-Length': '1000' };
    const body = request('POST', '/api/users', { headers: json });
    const upload = Buffer.concat([Buffer.from(uploadHead(await sendFile())), UPLOAD.raw.subarray(0, 5_000)]);
    const startedAt = performance.now();
    const slow = [
      ...(await openMany(200, '')),
      ...(await openMany(300, 'GET /api/chats HTTP/1.1\r\nHost: x\r\nX-Slow: ')),
      ...(await openMany(300, `${body}{"username":`)),
      ...(await openMany(200, upload)),
    ];
    // Half-open: their side is closed.
    for (let n = 0; n < slow.length; n += 10) slow[n].end();
    let isOver = false;
    const others = useMeanwhile(() => isOver);
    await Promise.all(slow.map(closed));
    const seconds = (performance.now() - startedAt) / 1000;
    isOver = true;
    console.log(
      `slow clients gone after ${seconds.toFixed(1)} s; p99 of another client in ms: ` +
        `${quiet.toFixed(1)} alone, ${(await others).toFixed(1)} beside them`,
    );
    expect(seconds).toBeLessThan(45);
    const leftovers = () => filesIn(join(database.dataDir, 'data', 'files')).length === 0;
    await until('the uploads to be removed', () => leftovers() || undefined);
  });
});

describe('idle clients', () => {
  beforeEach(() => start());

  test('10,000 idle connections take less than 100 MB', async () => {
    const get = request('GET', '/api/health/live', { headers: { Connection: 'keep-alive' } });
    const openAll = async (count: number) => {
      const sockets: Socket[] = [];
      while (sockets.length < count) {
        const more = await openMany(Math.min(250, count - sockets.length), get);
        await Promise.all(more.map((socket) => once(socket, 'data')));
        sockets.push(...more);
      }
      return sockets;
    };
    // The garbage of as many requests is no memory of connections.
    const warmUp = await openAll(10_000);
    for (const socket of warmUp) socket.destroy();
    await until('the first to be gone', () => descriptorsOf(server.pid) < 500 || undefined);
    const before = memoryOf(server.pid, 'VmRSS');
    const idle = await openAll(10_000);
    const megabytes = ((memoryOf(server.pid, 'VmRSS') - before) * MEBIBYTE) / 1e6;
    expect(descriptorsOf(server.pid)).toBeGreaterThan(10_000);
    for (const socket of idle) socket.destroy();
    console.log(`10,000 idle connections take ${megabytes.toFixed(1)} MB`);
    expect(megabytes).toBeLessThan(100);
  });
});

describe.each(DATABASE_KINDS)('aborted transfers, on %s', (kind) => {
  beforeEach(() => start(kind));

  test('300 leave no descriptor open, and nothing behind', async () => {
    const parley = await server.parley();
    const stored = await sendFile();
    expectSuccess(await parley.request('POST', `/api/files/${stored}`, { token: alex.token, ...UPLOAD }));
    const download = request('GET', `/api/files/${stored}`, { headers: { Authorization: alex.token } });
    const parts = () =>
      filesIn(join(database.dataDir, 'data', 'files')).filter((name) => name.endsWith('.part')).length;
    const abort = async (count: number) => {
      const uploads = await openMany(count, uploadHead(await sendFile()));
      for (const socket of uploads) socket.write(UPLOAD.raw.subarray(0, MEBIBYTE / 2));
      const downloads = await openMany(count, download);
      await Promise.all(downloads.map((socket) => once(socket, 'data').then(() => socket.pause())));
      await until('the uploads to begin', () => parts() === count || undefined);
      const sockets = [...uploads, ...downloads];
      const all = sockets.map((socket) => once(socket, 'close'));
      for (const socket of sockets) socket.destroy();
      await Promise.all(all);
      await until('the uploads to be removed', () => parts() === 0 || undefined);
    };
    // Opens the connections that the pool of the database keeps.
    await abort(20);
    const before = descriptorsOf(server.pid);
    for (let count = 0; count < 300; count += 30) await abort(15);
    await until('the descriptors to be closed', () => descriptorsOf(server.pid) <= before || undefined);
    expectSuccess(await alex.get('/api/chats'));
  });
});
