import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MysqlSettings } from '#src/config/settings.js';
import { DatabaseHosts } from '#src/database/database-hosts.js';
import { MariaDb } from '../support/mariadb.js';
import { until } from '../support/until.js';

let servers: MariaDb[];
let hosts: DatabaseHosts;

const settings = (): MysqlSettings => ({
  kind: 'mysql',
  hosts: servers.map(({ url }) => ({ host: '127.0.0.1', port: Number(new URL(url).port) })),
  user: 'root',
  password: '',
  name: 'mysql',
  ssl: false,
});

const isAt = (n: number) => hosts.host.port === settings().hosts[n].port;
const waitForMoveTo = (n: number) => until(`a move to server ${n}`, () => isAt(n) || undefined, 60_000);

beforeAll(async () => {
  servers = [await MariaDb.start(), await MariaDb.start()];
}, 120_000);

afterAll(async () => {
  hosts?.stop();
  await Promise.all(servers.map((server) => server.close()));
});

test('connections follow the first host that takes writes: at the start, when it freezes, is read-only, or returns', async () => {
  await servers[0].kill();
  hosts = new DatabaseHosts(settings());
  await hosts.choose();
  expect(isAt(1)).toBe(true);

  await servers[0].restart();
  let moves = 0;
  hosts.onMove = () => (moves += 1);
  const socket = hosts.connect().on('error', () => {});
  expect(hosts.isCurrent(socket)).toBe(true);
  hosts.watch();
  await waitForMoveTo(0);
  // A unit of work may still be under way on the former host.
  expect(socket.destroyed).toBe(false);
  expect(hosts.isCurrent(socket)).toBe(false);
  await until('the idle connection to the former host to be closed', () => socket.destroyed || undefined);

  const waiting = hosts.connect();
  const failure = new Promise<Error>((resolve) => waiting.once('error', resolve));
  servers[0].signal('SIGSTOP');
  await waitForMoveTo(1);
  expect((await failure).message).toContain('another host');
  servers[0].signal('SIGCONT');
  await waitForMoveTo(0);

  const admin = await servers[0].connect();
  await admin.query('SET GLOBAL read_only = ON');
  await waitForMoveTo(1);
  await admin.end();
  expect(moves).toBe(4);
});
