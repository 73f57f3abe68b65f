import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createConnection } from 'mysql2/promise';
import { createApp } from '#src/create-app.js';
import { type MailTiming, readSettings, type Settings } from '#src/config/settings.js';
import { Mailbox } from './mailbox.js';
import { Parley } from './parley.js';

/** The database of one test file: a SQLite file, or a database on the server of TEST_DATABASE_URL. */
export interface TestDatabase {
  url: string;
  dataDir: string;
  drop(): Promise<void>;
}

export const onMysql = Boolean(process.env.TEST_DATABASE_URL);

/** On the server with the URL, which is TEST_DATABASE_URL by default; on SQLite if it is empty. */
export async function createTestDatabase(server = process.env.TEST_DATABASE_URL): Promise<TestDatabase> {
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-test-'));
  const removeDataDir = () => rmSync(dataDir, { recursive: true, force: true });
  if (!server) return { url: '', dataDir, drop: async () => removeDataDir() };

  const name = `parley_test_${randomBytes(6).toString('hex')}`;
  await runOn(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    dataDir,
    drop: async () => {
      await runOn(server, `DROP DATABASE ${name}`);
      removeDataDir();
    },
  };
}

async function runOn(server: string, statement: string): Promise<void> {
  const connection = await createConnection({ uri: server });
  await connection.query(statement);
  await connection.end();
}

/** Back-offs are a fiftieth of the usual ones. Leases are as long as usual, because no test waits for their end. */
export const QUICK: MailTiming = { pollMs: 50, leaseMs: 60_000, renewalMs: 15_000, backoffMs: 20 };

/** Returns the settings of a server on the database, with cheap password hashes. It stops without waiting for kept connections. */
export function testSettings({ url, dataDir }: TestDatabase, overrides: Partial<Settings> = {}): Settings {
  const env = {
    DATA_DIR: dataDir,
    DATABASE_URL: url,
    PUBLIC_URL: 'http://parley.test',
    LOG_LEVEL: 'silent',
    RATE_LIMITS: 'off',
  };
  const settings = readSettings(env);
  const quick = {
    hashing: { memoryCost: 8, timeCost: 1 },
    // `fetch` keeps its connections.
    shutdownTiming: { keptMs: 0, transferMs: 8_000 },
  };
  return Object.assign(settings, quick, overrides);
}

/** A running server and its clients. */
export interface TestServer {
  app: NestFastifyApplication;
  settings: Settings;
  /** `http://127.0.0.1:port` */
  url: string;
  /** A client of the API. */
  parley: Parley;
  /** The mails that the server wrote to files. */
  mailbox: Mailbox;
  /** Stops the server and keeps the database. */
  stop(): Promise<void>;
  /** Stops the server and drops the database. */
  close(): Promise<void>;
}

/** Starts the server on a free port, on a new database unless one is given. */
export async function startServer(
  overrides: Partial<Settings> = {},
  database?: TestDatabase,
): Promise<TestServer> {
  const on = database ?? (await createTestDatabase());
  const settings = testSettings(on, overrides);
  const app = await createApp(settings);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const stop = () => app.close();
  const close = async () => {
    await stop();
    await on.drop();
  };
  const mailbox = new Mailbox(join(settings.dataDir, 'mail'));
  return { app, settings, url, parley: await Parley.at(url), mailbox, stop, close };
}
