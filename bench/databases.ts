import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';

export interface BenchDatabase {
  name: 'SQLite' | 'MariaDB' | 'MySQL';
  url: string;
  /** The database server's process, if it runs on this machine. */
  pid?: number;
  drop?(): Promise<void>;
}

export async function connect<T>(url: string, task: (source: DataSource) => Promise<T>): Promise<T> {
  const source = new DataSource(
    url.startsWith('sqlite:')
      ? { type: 'better-sqlite3', database: url.slice('sqlite:'.length) }
      : { type: 'mysql', url, charset: 'utf8mb4_bin', poolSize: 1 },
  );
  await source.initialize();
  try {
    return await task(source);
  } finally {
    await source.destroy();
  }
}

/** Creates a database on the server that BENCH_DATABASE_URL names, if it is set, and SQLite in the folder. */
export async function createDatabases(folder: string): Promise<BenchDatabase[]> {
  const serverUrl = process.env.BENCH_DATABASE_URL;
  const sqlite: BenchDatabase = { name: 'SQLite', url: `sqlite:${join(folder, 'parley.sqlite')}` };
  return serverUrl ? [await createMysql(serverUrl), sqlite] : [sqlite];
}

export async function createMysql(serverUrl: string): Promise<BenchDatabase> {
  const schema = `parley_bench_${randomUUID().slice(0, 8)}`;
  const url = new URL(serverUrl);
  url.pathname = `/${schema}`;
  const [{ version, pidFile }] = await connect(serverUrl, async (source) => {
    await source.query(`CREATE DATABASE ${schema}`);
    return source.query<{ version: string; pidFile: string }[]>(
      'SELECT VERSION() AS version, @@pid_file AS pidFile',
    );
  });
  return {
    name: /mariadb/i.test(version) ? 'MariaDB' : 'MySQL',
    url: url.href,
    pid: ['127.0.0.1', 'localhost'].includes(url.hostname) ? readPid(pidFile) : undefined,
    drop: () => connect(serverUrl, (source) => source.query(`DROP DATABASE ${schema}`)),
  };
}

function readPid(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}
