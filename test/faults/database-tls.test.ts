import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { DATABASE_CERTIFICATE } from '../support/certificate.js';
import { MariaDb } from '../support/mariadb.js';
import { ServerProcess } from '../support/server-process.js';
import type { TestDatabase } from '../support/server.js';
import { until } from '../support/until.js';

let server: MariaDb;
let database: TestDatabase;
let trust: { NODE_EXTRA_CA_CERTS: string };

beforeAll(async () => {
  server = await MariaDb.start();
  database = await server.createDatabase();
  const admin = await server.connect();
  await admin.query("CREATE USER parley@'%' REQUIRE SSL");
  await admin.query("GRANT ALL ON *.* TO parley@'%'");
  await admin.end();
  trust = { NODE_EXTRA_CA_CERTS: join(database.dataDir, 'ca.pem') };
  writeFileSync(trust.NODE_EXTRA_CA_CERTS, DATABASE_CERTIFICATE.cert);
}, 120_000);

afterAll(() => database.drop());

const urlWith = (hosts: string, query: string) => {
  const { port, pathname } = new URL(database.url);
  return `mysql://parley@${hosts.replaceAll('PORT', port)}${pathname}${query}`;
};

async function startError(url: string, env: Record<string, string>): Promise<string> {
  const process = ServerProcess.spawn({ ...database, url }, env);
  expect(await process.exited).toMatchObject({ code: 1 });
  return process.stderr;
}

test.each(['127.1:PORT', '127.1:1,127.1:PORT'])('%s is used over TLS', async (hosts) => {
  const process = await ServerProcess.start({ ...database, url: urlWith(hosts, '?ssl=true') }, trust);
  onTestFinished(async () => void (await process.end('SIGKILL')));
  const parley = await process.parley();
  const name = `user${hosts.length}`;
  const alex = await parley.signUp(name);
  const chat = await alex.createChat([]);
  await Promise.all(Array.from({ length: 20 }, (_, n) => alex.send(chat, `text ${n}`)));
  expect(await alex.texts(chat)).toHaveLength(21);
  server.signal('SIGSTOP');
  expect((await alex.get('/api/chats')).status).toBe(503);
  server.signal('SIGCONT');
  await until(
    'the database to be back',
    async () => (await alex.get('/api/chats')).status === 200 || undefined,
  );
  expect(await process.end()).toEqual({ code: 0, signal: null });
});

test('a server that requires TLS refuses a connection without it', async () => {
  expect(await startError(urlWith('127.1:PORT', ''), trust)).toContain('Access denied');
});

test('a certificate that nobody trusts stops the start', async () => {
  expect(await startError(urlWith('127.1:PORT', '?ssl=true'), {})).toMatch(/self[- ]signed certificate/);
});

test('a certificate of another host stops the start', async () => {
  expect(await startError(urlWith('localhost:PORT', '?ssl=true'), trust)).toContain('altnames');
});
