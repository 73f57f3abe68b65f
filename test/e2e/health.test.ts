import { afterEach, describe, expect, test, vi } from 'vitest';
import { Reader } from '#src/database/unit-of-work.js';
import { expectFailure } from '../support/failure.js';
import { expectSuccess } from '../support/parley.js';
import { ServerProcess } from '../support/server-process.js';
import { createTestDatabase, startServer, type TestServer } from '../support/server.js';
import { openTestStorage, STORAGE_KINDS } from '../support/storages.js';
import { until } from '../support/until.js';

const [LIVE, READY] = ['/api/health/live', '/api/health/ready'];
const ALL_UP = { database: 'up', storage: 'up' };

let server: TestServer;

const start = async (...args: Parameters<typeof startServer>) => (server = await startServer(...args));
const states = async (path: string) => expectSuccess(await server.parley.get(path)).data;

async function headOf(path: string): Promise<[number, string]> {
  const answer = await fetch(server.url + path, { method: 'HEAD' });
  return [answer.status, await answer.text()];
}

afterEach(async () => {
  vi.restoreAllMocks();
  await server.close();
});

describe('a healthy server', () => {
  test('is live and ready, and tells the state of each part without a token', async () => {
    await start();
    for (const path of [LIVE, READY]) {
      expect(await states(path)).toEqual(ALL_UP);
      expect(await headOf(path)).toEqual([200, '']);
      expectFailure(await server.parley.post(path), 405);
    }
  });

  test('counts neither route towards a limit', async () => {
    await start({ rateLimits: true });
    for (let count = 0; count < 301; count += 1) {
      await (await fetch(server.url + (count % 2 ? LIVE : READY))).text();
    }
    expectSuccess(await server.parley.get('/api/auth/forgot-password?username=nobody'));
  });
});

describe('when the database', () => {
  test('fails, the server is live and not ready', async () => {
    await start();
    vi.spyOn(server.app.get(Reader, { strict: false }), 'ping').mockRejectedValue(new Error('gone'));
    const { headers, ...answer } = await server.parley.get(READY);
    expect(expectFailure({ headers, ...answer }, 503)).toBe('the database is unavailable, try again later');
    expect([answer.body.code, headers.get('retry-after')]).toEqual(['unavailable', '1']);
    expect(await headOf(READY)).toEqual([503, '']);
    expect(await states(LIVE)).toEqual({ database: 'down', storage: 'up' });
    vi.restoreAllMocks();
    expect(await states(READY)).toEqual(ALL_UP);
    expect(await states(LIVE)).toEqual(ALL_UP);
  });

  test('hangs, the server is live at once, and asks once however many ask', async () => {
    await start();
    let resume = () => {};
    const hanging = new Promise<void>((resolve) => (resume = resolve));
    const ping = vi.spyOn(server.app.get(Reader, { strict: false }), 'ping').mockReturnValue(hanging);
    const asked = Array.from({ length: 20 }, () => server.parley.get(READY));
    expect(await states(LIVE)).toEqual(ALL_UP);
    for (const answer of await Promise.all(asked)) expectFailure(answer, 503);
    expect(await states(LIVE)).toEqual({ database: 'down', storage: 'up' });
    expect(ping).toHaveBeenCalledTimes(1);
    resume();
    vi.restoreAllMocks();
    await until('the server to be ready', async () =>
      (await server.parley.get(READY)).status === 200 ? true : undefined,
    );
  });
});

describe.each(STORAGE_KINDS)('without its %s storage', (kind) => {
  test('the server is ready, and tells that the storage is down', async () => {
    const storage = await openTestStorage(kind);
    await start({ storage: storage.settings });
    expect(await states(READY)).toEqual(ALL_UP);
    await storage.close();
    expect(await states(READY)).toEqual({ database: 'up', storage: 'down' });
    expect(await states(LIVE)).toEqual({ database: 'up', storage: 'down' });
  });
});

test('during SHUTDOWN_GRACE the server still serves, but is not ready', async () => {
  await start();
  const database = await createTestDatabase();
  const draining = await ServerProcess.start(database, { SHUTDOWN_GRACE: '2' });
  const parley = await draining.parley();
  const alex = await parley.signUp('alex');
  const chat = await alex.createChat([]);
  draining.signal('SIGTERM');
  const refused = await until('the server to drain', async () => {
    const answer = await parley.get(READY);
    return answer.status === 503 ? answer : undefined;
  });
  expect(expectFailure(refused, 503)).toBe('the server is shutting down');
  expect(refused.headers.get('retry-after')).toBe('1');
  expectSuccess(await parley.get(LIVE));
  expect(await alex.send(chat, 'still served')).toBe(1);
  expect(await draining.exited).toEqual({ code: 0, signal: null });
  await database.drop();
});
