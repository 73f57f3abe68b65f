import type { Connection, RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectFailure } from '../support/failure.js';
import { MariaDb } from '../support/mariadb.js';
import { type Answer, expectSuccess, type Member, type Parley } from '../support/parley.js';
import { createRoom } from '../support/rooms.js';
import { ServerProcess } from '../support/server-process.js';
import type { TestDatabase } from '../support/server.js';
import { until } from '../support/until.js';
import { Writers } from '../support/writers.js';

/** The contract allows 5 s; the rest is for a slow machine. */
const MAX_MS = 6_000;

/** The least that MariaDB allows. One more is kept for administrators, as whom all clients of these tests log in. */
const MAX_CONNECTIONS = 10;

let mariadb: MariaDb;
let database: TestDatabase;
let server: ServerProcess;
let parley: Parley;
let alex: Member;
let chat: string;
let roomId: number;

beforeAll(async () => {
  mariadb = await MariaDb.start();
  database = await mariadb.createDatabase();
  server = await ServerProcess.start(database);
  parley = await server.parley();
  alex = await parley.signUp('alex');
  chat = await alex.createChat([]);
  roomId = (await createRoom(alex, 'Room')).id;
});

afterAll(async () => {
  await server.end('SIGKILL');
  await database.drop();
});

/** Repeats a call. Each answer must be a success, or a 503 in the dialect of the call. */
class Probe {
  served = 0;
  refused = 0;
  slowestMs = 0;
  private isStopped = false;
  private readonly running: Promise<void>;

  constructor(readonly call: () => Promise<Answer>) {
    this.running = this.run();
    this.running.catch(() => {});
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      const startedAt = performance.now();
      const answer = await this.call();
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startedAt);
      if (answer.status === 200) this.served += 1;
      else this.refuse(answer);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  private refuse(answer: Answer): void {
    expect(answer.headers.get('retry-after')).toBe('1');
    if ('error' in answer.body) expect(answer.status).toBe(503);
    else expectFailure(answer, 503);
    this.refused += 1;
  }
}

function probeAll(): Record<string, Probe> {
  const calls: Record<string, () => Promise<Answer>> = {
    login: () => parley.post('/api/auth/login', { username: 'alex', password: alex.password }),
    'list of chats': () => alex.get('/api/chats'),
    page: () => alex.get(`/api/chats/${chat}/messages`),
    rename: () => alex.put('/api/users/alex', { name: 'Alex' }),
    search: () => alex.get('/api/users?username=al'),
    rooms: () => alex.get('/api/rooms'),
    'message to a room': () => alex.post('/api/send_room_message', { room_id: roomId, message: 'm' }),
  };
  return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, new Probe(call)]));
}

/** Runs all kinds of calls while the database is broken and restored. */
async function expectOutage(name: string, breakIt: () => Promise<void>, mendIt: () => Promise<void>) {
  const writer = await parley.signUp(`writer-${name}`);
  const writers = new Writers(writer, await writer.createChat([]), 20);
  const probes = probeAll();
  const live = new Probe(() => parley.get('/api/health/live'));
  const eachIs = (outcome: 'served' | 'refused') => {
    const before = Object.values(probes).map((probe) => [probe, probe[outcome]] as const);
    return until(`each call to be ${outcome}`, () => {
      for (const [probe, count] of before) if (probe[outcome] === count) return undefined;
      return true;
    });
  };
  await writers.advance(100);
  await breakIt();
  await eachIs('refused');
  await eachIs('refused');
  await mendIt();
  const restoredAt = performance.now();
  await eachIs('served');
  const recoveredMs = performance.now() - restoredAt;
  await writers.advance(100);
  await writers.stop();
  for (const probe of [live, ...Object.values(probes)]) await probe.stop();
  await writers.expectExactlyAcknowledged();

  const slowest = Object.entries(probes).map(([call, { slowestMs }]) => `${call} ${Math.round(slowestMs)}`);
  console.log(
    `${name}: recovered in ${Math.round(recoveredMs)} ms; slowest answers in ms: ${slowest.join(', ')}, ` +
      `writers ${Math.round(writers.slowestMs)}, live ${Math.round(live.slowestMs)}`,
  );
  expect(live.refused).toBe(0);
  expect(live.slowestMs).toBeLessThan(MAX_MS);
  expect(writers.slowestMs).toBeLessThan(MAX_MS);
  for (const { slowestMs } of Object.values(probes)) expect(slowestMs).toBeLessThan(MAX_MS);
  expect(recoveredMs).toBeLessThan(MAX_MS);
}

test('a MariaDB that is killed and started again', () =>
  expectOutage(
    'killed',
    () => mariadb.kill(),
    () => mariadb.restart(),
  ));

test('a MariaDB that is frozen and thawed', () =>
  expectOutage(
    'frozen',
    async () => mariadb.signal('SIGSTOP'),
    async () => mariadb.signal('SIGCONT'),
  ));

test('a MariaDB of which others take all connections', async () => {
  const admin = await mariadb.connect();
  const others: Connection[] = [];
  await expectOutage(
    'exhausted',
    async () => {
      await admin.query(`SET GLOBAL max_connections = ${MAX_CONNECTIONS}`);
      await until('others to have all connections', async () => {
        if (others.length === MAX_CONNECTIONS) return true;
        await killConnections(admin);
        const other = await mariadb.connect().catch(() => undefined);
        if (other) others.push(other);
        return undefined;
      });
    },
    async () => {
      for (const other of others) await other.end();
    },
  );
  await admin.query('SET GLOBAL max_connections = 151');
  await admin.end();
});

async function killConnections(admin: Connection): Promise<void> {
  const name = new URL(database.url).pathname.slice(1);
  const query = 'SELECT id FROM information_schema.processlist WHERE db = ?';
  const [rows] = await admin.query<RowDataPacket[]>(query, [name]);
  for (const { id } of rows) await admin.query(`KILL ${id}`).catch(() => {});
}

test('a server that is stopped while its MariaDB is frozen ends', async () => {
  const stopped = await ServerProcess.start(database);
  const client = await stopped.parley();
  // Opens all connections of the pool.
  const search = () => client.get('/api/users?username=al', { token: alex.token });
  for (const answer of await Promise.all(Array.from({ length: 50 }, search))) expectSuccess(answer);
  mariadb.signal('SIGSTOP');
  const answer = client.get('/api/chats', { token: alex.token });
  const startedAt = performance.now();
  const exit = await stopped.end();
  const ms = performance.now() - startedAt;
  mariadb.signal('SIGCONT');
  expectFailure(await answer, 503);
  expect(exit).toEqual({ code: 0, signal: null });
  // 6 s on two quiet cores.
  expect(ms).toBeLessThan(20_000);
});

test('a MariaDB that may lose acknowledged messages is named in a warning at the start', async () => {
  const admin = await mariadb.connect();
  await admin.query('SET GLOBAL innodb_flush_log_at_trx_commit = 2');
  const warned = await ServerProcess.start(database, { LOG_LEVEL: 'warn' });
  expect(warned.output).toMatch(/innodb_flush_log_at_trx_commit is not 1/);
  await warned.end();
  await admin.query('SET GLOBAL innodb_flush_log_at_trx_commit = 1');
  await admin.end();
});
