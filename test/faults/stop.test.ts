import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createDatabase, DATABASE_KINDS } from '../support/mariadb.js';
import type { Member } from '../support/parley.js';
import { request } from '../support/raw-http.js';
import { ServerProcess } from '../support/server-process.js';
import type { TestDatabase } from '../support/server.js';
import { until } from '../support/until.js';
import { Writers } from '../support/writers.js';

/** On each database. */
const ROUNDS = 10;

const IDLE = 50;
const IN_FLIGHT = 20;

interface Connection {
  socket: Socket;
  received: string;
}

async function open({ url }: ServerProcess, text: string): Promise<Connection> {
  const connection = { socket: connect(Number(new URL(url).port), '127.0.0.1'), received: '' };
  const { socket } = connection;
  socket.on('error', () => {}).setEncoding('utf8');
  socket.on('data', (more: string) => (connection.received += more));
  await once(socket, 'connect');
  socket.write(text);
  return connection;
}

const hasReceived = ({ received }: Connection, pattern: RegExp) => pattern.test(received) || undefined;

const GET = request('GET', '/api/health/live', { headers: { Connection: 'keep-alive' } });

/** Opens connections that stay open after one answer. */
async function openIdle(server: ServerProcess): Promise<Connection[]> {
  const idle = await Promise.all(Array.from({ length: IDLE }, () => open(server, GET)));
  for (const each of idle) await until('an answer', () => hasReceived(each, /^HTTP\/1\.1 200 .*\}$/s));
  return idle;
}

/** Begins requests, of which the server has read the headers. */
async function beginSends(server: ServerProcess, { token }: Member, chat: string, body: string) {
  const headers = {
    Authorization: token,
    Connection: 'keep-alive',
    'Content-Type': 'application/json',
    'Content-Length': String(body.length),
    Expect: '100-continue',
  };
  const head = request('POST', `/api/chats/${chat}/messages`, { headers });
  const sends = await Promise.all(Array.from({ length: IN_FLIGHT }, () => open(server, head)));
  for (const each of sends)
    await until('the headers to be read', () => hasReceived(each, /^HTTP\/1\.1 100 /));
  return sends;
}

async function refusesConnections({ url }: ServerProcess): Promise<true | undefined> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const failure = await once(socket, 'connect').catch(({ code }: NodeJS.ErrnoException) => code);
  socket.destroy();
  return failure === 'ECONNREFUSED' || undefined;
}

describe.each(DATABASE_KINDS)('SIGTERM under load, on %s', (kind) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase(kind);
  });

  afterAll(() => database.drop());

  test('stops accepting, answers what is in flight or comes on kept connections, loses nothing, and ends with 0, ten times of ten', async () => {
    let server = await ServerProcess.start(database);
    onTestFinished(async () => {
      await server.end('SIGKILL');
    });
    const alex = await (await server.parley()).signUp('alex');
    const [chat, other] = [await alex.createChat([]), await alex.createChat([], { name: 'Other' })];
    const writers = new Writers(alex, chat, 20);
    const body = '{"type":"message","message":"in flight"}';
    let slowestMs = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      await writers.advance(50);
      const idle = await openIdle(server);
      const sends = await beginSends(server, alex, other, body);
      const startedAt = performance.now();
      server.signal('SIGTERM');
      await until('new connections to be refused', () => refusesConnections(server));
      for (const { socket } of sends) socket.write(body);
      for (const connection of idle) {
        connection.received = '';
        connection.socket.write(GET);
      }
      for (const connection of [...sends, ...idle]) {
        await until('the answer', () => hasReceived(connection, /HTTP\/1\.1 200 OK.*\}$/s));
        expect(connection.received).toMatch(/\r\nconnection: close\r\n/i);
      }
      expect(await server.exited).toEqual({ code: 0, signal: null });
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      await until('idle connections to end', () => idle.every(({ socket }) => socket.closed) || undefined);
      server = await ServerProcess.start(database);
      writers.parley = await server.parley();
    }
    await writers.stop();
    const { body: page } = await writers.parley.get(`/api/chats/${other}/messages?per_page=1000`, {
      token: alex.token,
    });
    expect(page.data.messages).toHaveLength(1 + ROUNDS * IN_FLIGHT);
    console.log(`${kind}: stopped within ${Math.round(slowestMs)} ms`);
    expect(slowestMs).toBeLessThan(10_000);
  });
});
