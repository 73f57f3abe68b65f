import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { SqlValue } from '../src/database/driver.js';

export interface Target {
  table: string;
  columns: string[];
}

/** A fresh database, and how to fill it fast. */
export interface BenchDatabase {
  /** SQLite, MariaDB or MySQL. */
  readonly name: string;
  /** As Parley's `DATABASE_URL`. */
  readonly url: string;
  /** Its server, where that runs on this machine and tells. */
  readonly pid: number | undefined;
  query<Row>(sql: string, values?: SqlValue[]): Promise<Row[]>;
  /** `count` rows, in one transaction. */
  insert(target: Target, count: number, row: (index: number) => SqlValue[]): Promise<void>;
  /** Has all that was written so far on disk, so that it is not written while others are measured. */
  settle(): Promise<void>;
  drop(): Promise<void>;
}

class SqliteDatabase implements BenchDatabase {
  readonly name = 'SQLite';
  readonly url: string;
  readonly pid = undefined;
  private readonly file: string;

  constructor(folder: string) {
    this.file = join(folder, 'parley.sqlite');
    this.url = `sqlite:${this.file}`;
  }

  query<Row>(sql: string, values: SqlValue[] = []): Promise<Row[]> {
    return this.use((database) => {
      const statement = database.prepare(sql);
      const parameters = values.map(plain);
      if (statement.reader) return statement.all(...parameters) as Row[];
      statement.run(...parameters);
      return [];
    });
  }

  insert({ table, columns }: Target, count: number, row: (index: number) => SqlValue[]): Promise<void> {
    return this.use((database) => {
      const places = columns.map(() => '?').join(', ');
      const statement = database.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`);
      database.exec('BEGIN');
      for (let index = 0; index < count; index += 1) statement.run(...row(index).map(plain));
      database.exec('COMMIT');
    });
  }

  settle(): Promise<void> {
    return this.use((database) => void database.pragma('wal_checkpoint(TRUNCATE)'));
  }

  /** It goes with its folder. */
  drop(): Promise<void> {
    return Promise.resolve();
  }

  private async use<T>(task: (database: Database) => T): Promise<T> {
    const database = new Database(this.file);
    try {
      // Nobody else is there while it is filled, and the checkpoint at the end flushes it all.
      database.pragma('synchronous = OFF');
      database.pragma('cache_size = -200000');
      return task(database);
    } finally {
      database.close();
    }
  }
}

const plain = (value: SqlValue) => (typeof value === 'boolean' ? Number(value) : value);

/** What one statement brings: some hundred kilobytes. */
const ROWS = 2000;

class MysqlDatabase implements BenchDatabase {
  private constructor(
    readonly name: string,
    readonly url: string,
    readonly pid: number | undefined,
    private readonly schema: string,
    private readonly connection: Connection,
  ) {}

  static async create(serverUrl: string): Promise<MysqlDatabase> {
    const schema = `parley_bench_${randomUUID().slice(0, 8)}`;
    const connection = await createConnection({ uri: serverUrl, charset: 'utf8mb4_bin' });
    await connection.query(`CREATE DATABASE ${schema}`);
    await connection.query(`USE ${schema}`);
    const url = new URL(serverUrl);
    url.pathname = `/${schema}`;
    const [[{ version, pidFile }]] = await connection.query<RowDataPacket[]>(
      'SELECT VERSION() AS version, @@pid_file AS pidFile',
    );
    const name = /mariadb/i.test(String(version)) ? 'MariaDB' : 'MySQL';
    return new MysqlDatabase(name, url.href, localPid(url, String(pidFile)), schema, connection);
  }

  async query<Row>(sql: string, values: SqlValue[] = []): Promise<Row[]> {
    const [rows] = await this.connection.query<(Row & RowDataPacket)[]>(sql, values);
    return rows;
  }

  async insert({ table, columns }: Target, count: number, row: (index: number) => SqlValue[]): Promise<void> {
    // For this session alone; what is written is right by itself.
    await this.connection.query('SET unique_checks = 0, foreign_key_checks = 0');
    await this.connection.beginTransaction();
    for (let start = 0; start < count; start += ROWS) {
      const rows = Array.from({ length: Math.min(ROWS, count - start) }, (_, index) => row(start + index));
      await this.connection.query(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ?`, [rows]);
    }
    await this.connection.commit();
  }

  async settle(): Promise<void> {
    // The server would do both by itself some time later, in the middle of the measuring.
    for (const table of ['users', 'user_search_terms', 'chats', 'members', 'messages']) {
      await this.connection.query(`ANALYZE TABLE ${table}`);
      await this.connection.query(`FLUSH TABLES ${table} FOR EXPORT`);
      await this.connection.query('UNLOCK TABLES');
    }
  }

  async drop(): Promise<void> {
    await this.connection.query(`DROP DATABASE ${this.schema}`);
    await this.connection.end();
  }
}

function localPid({ hostname }: URL, pidFile: string): number | undefined {
  if (!['127.0.0.1', 'localhost'].includes(hostname)) return undefined;
  try {
    return Number(readFileSync(pidFile, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

/** SQLite in the folder, and the server that BENCH_DATABASE_URL names, if it does. */
export async function createDatabases(folder: string): Promise<BenchDatabase[]> {
  const serverUrl = process.env.BENCH_DATABASE_URL;
  const embedded = new SqliteDatabase(folder);
  return serverUrl ? [await MysqlDatabase.create(serverUrl), embedded] : [embedded];
}
