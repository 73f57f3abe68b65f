import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { followSocket, followSse } from '../support/live.js';
import { request } from '../support/raw-http.js';
import { createTestDatabase, type TestDatabase } from '../support/server.js';
import { ServerProcess } from '../support/server-process.js';
import { until } from '../support/until.js';

const GET = request('GET', '/api/health/live', { headers: { Connection: 'keep-alive' } });

let database: TestDatabase;
let server: ServerProcess;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(async () => {
  await server.end('SIGKILL');
  await database.drop();
});

/** A connection that the client keeps between two requests. */
class KeptConnection {
  private received = '';

  private constructor(readonly socket: Socket) {
    socket.setEncoding('utf8').on('data', (text: string) => (this.received += text));
  }

  static async open(): Promise<KeptConnection> {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    await once(socket, 'connect');
    return new KeptConnection(socket);
  }

  async get(text = GET): Promise<string> {
    this.received = '';
    this.socket.write(text);
    return until('the answer', () => {
      if (this.socket.closed && this.received === '') throw new Error('the connection was closed');
      return this.received.endsWith('}') ? this.received : undefined;
    });
  }
}

async function isRefused(): Promise<boolean> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  const failure = await once(socket, 'connect').catch(({ code }: NodeJS.ErrnoException) => code);
  socket.destroy();
  return failure === 'ECONNREFUSED';
}

/** What a proxy sends over a connection that it keeps. */
const HANDSHAKE = request('GET', '/api/ws', {
  headers: {
    Connection: 'upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
  },
});

test('each kept connection gets one more answer after the listener has closed', async () => {
  server = await ServerProcess.start(database);
  const kept = await Promise.all([1, 2, 3].map(() => KeptConnection.open()));
  for (const connection of kept) expect(await connection.get()).toMatch(/\r\nconnection: keep-alive\r\n/i);

  server.signal('SIGTERM');
  await until('the listener to close', async () => (await isRefused()) || undefined);
  for (const connection of kept) {
    expect(await connection.get()).toMatch(/^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n/i);
    await until('the end of the connection', () => connection.socket.closed || undefined);
  }
  expect(await server.exited).toEqual({ code: 0, signal: null });
});

test('connections that the system has accepted and the server has not are answered', async () => {
  server = await ServerProcess.start(database);
  server.signal('SIGSTOP');
  const waiting = await Promise.all(Array.from({ length: 50 }, () => KeptConnection.open()));
  const answers = waiting.map((connection) => connection.get());
  server.signal('SIGTERM');
  server.signal('SIGCONT');
  for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  for (const { socket } of waiting) socket.destroy();
  expect(await server.end()).toEqual({ code: 0, signal: null });
});

test('a kept connection without a further request does not keep the server', async () => {
  server = await ServerProcess.start(database);
  const idle = await KeptConnection.open();
  await idle.get();
  expect(await server.end()).toEqual({ code: 0, signal: null });
});

test('a client whose stream ends finds the listener closed', async () => {
  server = await ServerProcess.start(database);
  const alex = await (await server.parley()).signUp('alex');
  const kept = await KeptConnection.open();
  await kept.get();
  const streams = [await followSse(alex), await followSocket(alex)];
  const refusals = streams.map(async (stream) => {
    await stream.waitForEnd();
    return [stream.ending?.code, await isRefused()];
  });
  server.signal('SIGTERM');
  expect(await Promise.all(refusals)).toEqual([
    ['restart', true],
    [1012, true],
  ]);
  // A proxy that has a connection to this instance asks another one.
  expect(await kept.get(HANDSHAKE)).toMatch(/^HTTP\/1\.1 503 /);
  expect(await server.end()).toEqual({ code: 0, signal: null });
});

test('a second signal ends the server at once, but not one that comes with the first', async () => {
  server = await ServerProcess.start(database, { SHUTDOWN_GRACE: '60' });
  const parley = await server.parley();
  server.signal('SIGINT');
  server.signal('SIGINT');
  await until('the server to drain', async () => {
    const { status } = await parley.get('/api/health/ready');
    return status === 503 || undefined;
  });
  let exit: unknown;
  void server.exited.then((result) => (exit = result));
  await until('the exit', () => {
    server.signal('SIGTERM');
    return exit;
  });
  expect(exit).toEqual({ code: 128 + 15, signal: null });
});
