import { QueryFailedError } from 'typeorm';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { UnitOfWork } from '#src/database/unit-of-work.js';
import { Streams } from '#src/live/streams.service.js';
import type { Stream } from '#src/live/stream.js';
import { MailsRepository } from '#src/mail/mails.repository.js';
import { MailWorker } from '#src/mail/mail.worker.js';
import { Metrics } from '#src/metrics/metrics.js';
import { MetricsServer } from '#src/metrics/metrics.server.js';
import { PasswordHasher } from '#src/passwords/password-hasher.js';
import { followPolls, followSocket, followSse, openEvents } from '../support/live.js';
import { type Samples, scrape } from '../support/metrics.js';
import { digest, expectSuccess } from '../support/parley.js';
import { createTestDatabase, onMysql, startServer, type TestServer } from '../support/server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const DEADLOCK = Object.assign(new Error('deadlock'), { code: 'ER_LOCK_DEADLOCK' });

let server: TestServer;
/** The metrics before the test. */
let before: Samples;

const startWithMetrics = (...[overrides, database]: Parameters<typeof startServer>) =>
  startServer({ metricsPort: 0, ...overrides }, database);

afterEach(() => vi.restoreAllMocks());

const signUp = (...names: string[]) => Promise.all(names.map((name) => server.parley.signUp(name)));

/** Closes the client before the server waits for it. */
function keep<Client extends { close(): void }>(client: Client): Client {
  onTestFinished(() => client.close());
  return client;
}

const streamsToEnd = () =>
  until('the streams to end', async () =>
    (await scrape(server)).find('parley_streams') === 0 ? true : undefined,
  );

describe('a server with METRICS_PORT', () => {
  beforeAll(async () => {
    server = await startWithMetrics();
  });

  beforeEach(async () => {
    before = await scrape(server);
  });

  afterAll(() => server.close());

  describe('the port of the metrics', () => {
    test('is not that of the API', async () => {
      expect((await server.parley.get('/metrics')).status).toBe(404);
      const { url } = server.app.get(MetricsServer, { strict: false });
      expect(new URL(url).origin).not.toBe(server.url);
    });

    test('serves nothing else', async () => {
      const { url } = server.app.get(MetricsServer, { strict: false });
      const { status, headers } = await fetch(url);
      expect([status, headers.get('content-type')]).toEqual([
        200,
        'text/plain; version=0.0.4; charset=utf-8',
      ]);
      for (const path of ['/', '/metrics/', '/api/health/live']) {
        expect((await fetch(new URL(path, url), { method: 'POST' })).status).toBe(404);
      }
      const refused = await fetch(`${url}?a=b`, { method: 'POST' });
      expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET']);
    });
  });

  describe('after a story', () => {
    test('requests are counted by route and status, and streams are not', async () => {
      const [alex] = await signUp('alex');
      const chat = await alex.createChat([]);
      await alex.send(chat, 'hello');
      await alex.list(chat);
      await alex.get(`/api/chats/${chat}/messages/7`);
      await server.parley.get(`/api/unknown/${chat}`);
      await server.parley.put('/api/chats');
      expectSuccess(await alex.get('/api/events'));
      const sse = await followSse(alex);
      sse.close();
      const socket = await followSocket(alex);
      socket.close();
      await openEvents({ parley: server.parley, token: 'bad' }, { accept: 'text/event-stream' });
      await streamsToEnd();

      const samples = await scrape(server);
      const count = (method: string, route: string, status: string) =>
        samples.grown(before, 'parley_http_request_duration_seconds_count', { method, route, status });
      expect(count('POST', '/api/chats/:chat/messages', '200')).toBe(1);
      expect(count('GET', '/api/chats/:chat/messages', '200')).toBe(1);
      expect(count('GET', '/api/chats/:chat/messages/:message', '400')).toBe(1);
      expect(count('GET', 'none', '404')).toBe(1);
      expect(count('PUT', 'none', '405')).toBe(1);
      expect(count('GET', '/api/events', '200')).toBe(1);
      expect(count('GET', '/api/events', '401')).toBe(1);
      expect(
        samples.find('parley_http_request_duration_seconds_count', { route: '/api/ws' }),
      ).toBeUndefined();
      expect(samples.text).not.toContain(chat);
    });

    test('sends, commits, batches and retries are counted', async () => {
      const [bob] = await signUp('bob');
      const chat = await bob.createChat([]);
      before = await scrape(server);
      await Promise.all(Array.from({ length: 20 }, (_, n) => bob.send(chat, `message ${n}`)));
      let attempts = 0;
      await server.app.get(UnitOfWork).run(async (tx) => {
        attempts += 1;
        if (attempts === 1) throw new QueryFailedError('', [], DEADLOCK);
        await tx.query('SELECT 1');
      });

      const samples = await scrape(server);
      const grown = (name: string) => samples.grown(before, name);
      expect(grown('parley_sends_total')).toBe(20);
      expect(grown('parley_send_batch_size_sum')).toBe(20);
      const batches = grown('parley_send_batch_size_count');
      expect(batches).toBeGreaterThan(0);
      expect(batches).toBeLessThanOrEqual(20);
      expect(grown('parley_commits_total')).toBeGreaterThanOrEqual(batches + 1);
      expect(attempts).toBe(2);
      // Units in the background may meet real deadlocks.
      expect(grown('parley_retries_total')).toBeGreaterThanOrEqual(1);
    });

    test('streams, events and their delay are counted', async () => {
      const [ann, sam] = await signUp('ann', 'sam');
      const chat = await ann.createChat([sam]);
      const first = keep(await followSse(sam));
      await ann.send(chat, 'hello');
      const { id } = await first.waitFor('message.created');
      first.close();
      await streamsToEnd();
      await ann.send(chat, 'missed');
      await ann.send(chat, 'missed too');

      const clients = [await followSse(sam, id), await followSocket(sam, id), await followPolls(sam, id)];
      for (const client of clients) {
        keep(client);
        await client.waitFor(({ data }) => data.message === 'missed too');
      }
      const samples = await until('the poll to wait', async () => {
        const found = await scrape(server);
        return found.find('parley_streams', { transport: 'poll' }) === 1 ? found : undefined;
      });
      expect(samples.find('parley_streams', { transport: 'sse' })).toBe(1);
      expect(samples.find('parley_streams', { transport: 'websocket' })).toBe(1);
      expect(samples.grown(before, 'parley_events_replayed_total')).toBe(6);
      expect(samples.grown(before, 'parley_events_delivered_total')).toBe(1);
      expect(samples.grown(before, 'parley_delivery_delay_seconds_count')).toBe(1);
      expect(samples.grown(before, 'parley_delivery_delay_seconds_sum')).toBeGreaterThan(0);
      expect(samples.find('parley_slow_clients_total')).toBe(0);

      const streams = Reflect.get(server.app.get(Streams), 'streams') as Set<Stream>;
      [...streams][0].end('too_slow');
      expect((await scrape(server)).find('parley_slow_clients_total')).toBe(1);
    });

    test('what waits is told: passwords, and connections or units of work', async () => {
      const hasher = server.app.get(PasswordHasher);
      const hashing = Array.from({ length: 60 }, (_, n) => hasher.hash(digest(String(n))));
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      const units = Array.from({ length: 12 }, () =>
        server.app.get(UnitOfWork).run(async (tx) => {
          await tx.query('SELECT 1');
          await held;
        }),
      );
      const samples = await until('all connections to be in use', async () => {
        const found = await scrape(server);
        const inUse = found.find('parley_database_connections', { state: 'in_use' });
        return !onMysql || inUse === 10 ? found : undefined;
      });
      expect(samples.find('parley_database_waiting')).toBeGreaterThanOrEqual(onMysql ? 2 : 11);
      expect(samples.find('parley_database_connections', { state: 'idle' })).toBe(onMysql ? 0 : undefined);
      release();
      await Promise.all([...units, ...hashing]);
      const after = await until('nothing to wait', async () => {
        const found = await scrape(server);
        return found.find('parley_database_waiting') === 0 ? found : undefined;
      });
      expect(after.find('parley_hashing_waiting')).toBe(0);
      expect(after.find('parley_part_up', { part: 'database' })).toBe(1);
      expect(after.find('parley_part_up', { part: 'storage' })).toBe(1);
    });

    test('no label holds a name, an id or an address', async () => {
      const zoe = await server.parley.signUp('zoe', { email: 'zoe@secret.example' });
      const chat = await zoe.createChat([], { name: 'Secret chat', message: 'secret text' });
      await zoe.get('/api/users?username=zoe');
      await zoe.get(`/api/chats/${chat}`);
      await zoe.post('/api/create_room', { room_name: 'Secret room' });
      await server.parley.get('/api/auth/verify-email?token=secret-token');
      await server.parley.get('/secret-path');
      const samples = await scrape(server);
      const labels = new Set(samples.all.flatMap((sample) => Object.keys(sample.labels)));
      const own = ['le', 'limit', 'method', 'part', 'route', 'state', 'status', 'transport'];
      const ofNode = ['kind', 'major', 'minor', 'patch', 'space', 'type', 'version'];
      expect([...labels].filter((label) => ![...own, ...ofNode].includes(label))).toEqual([]);
      expect(samples.text).not.toMatch(/secret|zoe|127\.0\.0\.1/i);
      expect(samples.text).not.toContain(chat);
    });

    test('every metric is served with its description', async () => {
      const { text } = await scrape(server);
      const names = server.app
        .get(Metrics, { strict: false })
        .registry.getMetricsAsArray()
        .map(({ name }) => name);
      expect(names).toEqual(
        expect.arrayContaining(['parley_sends_total', 'nodejs_eventloop_lag_p99_seconds']),
      );
      for (const name of names) expect(text).toMatch(new RegExp(`^# HELP ${name} \\w`, 'm'));
    });
  });

  describe('while the database is gone', () => {
    const realNow = performance.now.bind(performance);
    let skippedMs = 0;
    /** Lets a minute pass, so that the outbox is read again. */
    const passTime = () => {
      skippedMs += 60_000;
      vi.spyOn(performance, 'now').mockImplementation(() => realNow() + skippedMs);
    };

    test.each([
      ['fails', () => Promise.reject(new Error('gone'))],
      ['hangs', () => new Promise<never>(() => {})],
    ])('a scrape is answered without the outbox, when it %s', async (_, read) => {
      vi.spyOn(MailsRepository.prototype, 'readBacklog').mockImplementation(read);
      passTime();
      const samples = await scrape(server);
      expect(samples.find('parley_outbox_mails')).toBeUndefined();
      expect(samples.find('parley_outbox_oldest_seconds')).toBeUndefined();
      expect(samples.find('parley_streams')).toEqual(expect.any(Number));
    });

    test('the outbox is read at most every 5 seconds', async () => {
      const read = vi.spyOn(MailsRepository.prototype, 'readBacklog');
      passTime();
      await Promise.all(Array.from({ length: 5 }, () => scrape(server)));
      expect(read).toHaveBeenCalledTimes(1);
      passTime();
      expect((await scrape(server)).find('parley_outbox_mails')).toEqual(expect.any(Number));
      expect(read).toHaveBeenCalledTimes(2);
    });
  });
});

/** Each has a server of its own, without another one beside it, because passport is one for the process. */
describe('a server of its own', () => {
  test('without METRICS_PORT serves no metrics', async () => {
    const plain = await startServer();
    onTestFinished(() => plain.close());
    expect(() => plain.app.get(MetricsServer, { strict: false })).toThrow();
    expect((await plain.parley.get('/metrics')).status).toBe(404);
  });

  test('closes the port of the metrics with the server', async () => {
    const other = await startWithMetrics();
    const { url } = other.app.get(MetricsServer, { strict: false });
    await other.close();
    await expect(fetch(url)).rejects.toThrow();
  });

  test('counts what limits refuse, by name', async () => {
    const limited = await startWithMetrics({ rateLimits: true });
    onTestFinished(() => limited.close());
    for (let count = 0; count < 12; count += 1) {
      await limited.parley.post('/api/auth/login', { username: 'alex', password: digest('wrong') });
    }
    const samples = await scrape(limited);
    expect(samples.find('parley_limit_refusals_total', { limit: 'login' })).toBe(2);
    expect(samples.find('parley_limit_refusals_total', { limit: 'send' })).toBe(0);
  });

  test('counts the outbox, and finds the oldest mail that no limit postpones', async () => {
    // Mails wait, as if the mail server were away.
    vi.spyOn(
      MailWorker.prototype as unknown as { runCycle(): Promise<void> },
      'runCycle',
    ).mockResolvedValue();
    const other = await startWithMetrics();
    onTestFinished(() => other.close());
    const unitOfWork = other.app.get(UnitOfWork);
    await other.parley.signUp('alex');
    await other.parley.signUp('sam');
    const samples = await scrape(other);
    expect(samples.find('parley_outbox_mails')).toBe(2);
    expect(samples.find('parley_outbox_oldest_seconds')).toBeLessThan(15);

    const mails = other.app.get(MailsRepository, { strict: false });
    const { oldestAt } = await mails.readBacklog();
    expect(oldestAt).toEqual(expect.any(Number));
    await unitOfWork.run((tx) =>
      tx.execute('UPDATE mails SET due_at = due_at * 2, created_at = created_at - 1'),
    );
    expect(await mails.readBacklog()).toEqual({ count: 2, oldestAt: null });
    await unitOfWork.run((tx) => tx.execute('UPDATE mails SET attempts = 1'));
    expect((await mails.readBacklog()).oldestAt).toBeLessThan(oldestAt!);
  });

  test.runIf(onMysql)('answers without its database, and completely once that is back', async () => {
    const database = await createTestDatabase();
    const url = new URL(database.url);
    const proxy = new TcpProxy({ host: url.hostname, port: Number(url.port || 3306) });
    await proxy.open();
    [url.hostname, url.port] = ['127.0.0.1', String(proxy.port)];
    const other = await startWithMetrics({}, { ...database, url: url.href });
    onTestFinished(async () => {
      await other.stop();
      await proxy.cut();
      await database.drop();
    });
    await proxy.cut();
    const samples = await until('the part to be down', async () => {
      const found = await scrape(other);
      return found.find('parley_part_up', { part: 'database' }) === 0 ? found : undefined;
    });
    expect(samples.find('parley_commits_total')).toEqual(expect.any(Number));
    await proxy.open();
    await until('the outbox to be read', async () => (await scrape(other)).find('parley_outbox_mails'));
  });
});
