import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Pool } from 'mysql2';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { type DatabaseSettings, StartError } from '../config/settings.js';
import { DATABASE_DEADLINE_MS } from './driver.js';

const MIN_VERSIONS = { MySQL: [8, 4], MariaDB: [10, 11] } as const;

const START_TIMEOUT_MS = 10_000;

/** Requests that wait for a connection of the pool. The next one fails at once. */
const MAX_WAITING_FOR_POOL = 1_000;

const ENTITIES = [join(import.meta.dirname, '../**/*.entity.js')];

/** Set on each connection, so that nothing depends on the server's defaults. */
const SESSION = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
  // Short, so that a unit of work that meets a lock can run again within its deadline.
  'SET SESSION innodb_lock_wait_timeout = 2',
];

/** The collation of all text columns. Literals must have the same one. */
const COLLATION = { mariadb: 'utf8mb4_nopad_bin', mysql: 'utf8mb4_0900_bin' };

export interface OpenDatabase {
  writer: DataSource;
  /** On SQLite a second connection, because the writer's sees uncommitted rows. On MySQL the same pool. */
  reader: DataSource;
  warnings: string[];
}

/** @throws StartError when the database cannot be reached, is too old, or a migration fails. */
export async function openDatabase(database: DatabaseSettings): Promise<OpenDatabase> {
  let writer: DataSource | undefined;
  try {
    const server = await inspect(database);
    writer = new DataSource(dataSourceOptions(database, server));
    await writer.initialize();
    if (database.kind === 'mysql') await prepareConnections(writer);
    await writer.runMigrations({ transaction: 'each' });
    const reader = database.kind === 'mysql' ? writer : await openReader(database.file);
    return { writer, reader, warnings: server.warnings };
  } catch (error) {
    if (writer?.isInitialized) await writer.destroy();
    if (error instanceof StartError) throw error;
    throw new StartError(
      `Parley cannot start, the database ${databaseLabel(database)} failed: ${reason(error)}`,
    );
  }
}

/** Leaves the SQLite file complete by itself, even while another process has it open. */
export async function closeDatabase(writer: DataSource, reader: DataSource): Promise<void> {
  if (reader !== writer) {
    // A connection that only reads cannot remove the write-ahead log, so it must not be the last.
    await reader.destroy();
    await writer.query('PRAGMA wal_checkpoint(TRUNCATE)');
  }
  await writer.destroy();
}

export async function commandLineDataSource(database: DatabaseSettings): Promise<DataSource> {
  return new DataSource(dataSourceOptions(database, await inspect(database)));
}

export function databaseLabel(database: DatabaseSettings): string {
  return database.kind === 'sqlite'
    ? `sqlite:${database.file}`
    : `mysql://${database.host}:${database.port}/${database.name}`;
}

interface Server {
  type: 'better-sqlite3' | 'mysql' | 'mariadb';
  warnings: string[];
}

function dataSourceOptions(database: DatabaseSettings, { type }: Server): DataSourceOptions {
  const shared = {
    entities: ENTITIES,
    migrations: [join(import.meta.dirname, 'migrations/*.js')],
    synchronize: false,
    logging: false,
  };
  if (database.kind === 'sqlite') {
    return {
      ...shared,
      type: 'better-sqlite3',
      database: database.file,
      timeout: START_TIMEOUT_MS,
      prepareDatabase: (connection: { pragma(text: string): void }) => {
        connection.pragma('journal_mode = WAL');
        // Each commit is flushed to disk, so that acknowledged writes survive a power cut.
        connection.pragma('synchronous = FULL');
        connection.pragma('foreign_keys = ON');
        // 16 MB, four times the default: a page that many commits change is copied into the database file once.
        connection.pragma('wal_autocheckpoint = 4000');
      },
    };
  }
  return {
    ...shared,
    type: type === 'mariadb' ? 'mariadb' : 'mysql',
    host: database.host,
    port: database.port,
    username: database.user,
    password: database.password,
    database: database.name,
    charset: 'utf8mb4_bin',
    // A unit of work sends several statements in one packet.
    multipleStatements: true,
    connectTimeout: DATABASE_DEADLINE_MS,
    bigNumberStrings: false,
    // Each connection prepares a statement once for each length of its list. MySQL allows 16,382 for all instances.
    extra: { queueLimit: MAX_WAITING_FOR_POOL, maxPreparedStatements: 300 },
  };
}

function openReader(file: string): Promise<DataSource> {
  const options = {
    type: 'better-sqlite3',
    database: file,
    timeout: START_TIMEOUT_MS,
    readonly: true,
  } as const;
  return new DataSource({ ...options, entities: ENTITIES }).initialize();
}

async function inspect(database: DatabaseSettings): Promise<Server> {
  if (database.kind === 'sqlite') {
    mkdirSync(dirname(database.file), { recursive: true });
    return { type: 'better-sqlite3', warnings: [] };
  }
  const { host, port, user, password, name } = database;
  const connection = await createConnection({
    host,
    port,
    user,
    password,
    database: name,
    connectTimeout: START_TIMEOUT_MS,
  });
  try {
    const [rows] = await connection.query<RowDataPacket[]>(
      `SHOW GLOBAL VARIABLES WHERE Variable_name IN
         ('version', 'innodb_flush_log_at_trx_commit', 'log_bin', 'sync_binlog')`,
    );
    const variables = new Map(rows.map((row) => [row.Variable_name as string, String(row.Value)]));
    const version = variables.get('version') ?? '';
    const problem = checkVersion(version);
    if (problem) throw new StartError(`Parley cannot start: ${problem}`);
    return { type: /mariadb/i.test(version) ? 'mariadb' : 'mysql', warnings: durabilityWarnings(variables) };
  } finally {
    connection.destroy();
  }
}

export function checkVersion(version: string): string | undefined {
  const name = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
  const minVersion = MIN_VERSIONS[name];
  const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat);
  if (major > minVersion[0] || (major === minVersion[0] && minor >= minVersion[1])) return undefined;
  return `the database is ${name} ${version}, Parley needs ${name} ${minVersion.join('.')} or newer`;
}

export function durabilityWarnings(variables: ReadonlyMap<string, string>): string[] {
  const warnings = [];
  if (variables.get('innodb_flush_log_at_trx_commit') !== '1') {
    warnings.push(
      'innodb_flush_log_at_trx_commit is not 1: a crash of the database may lose acknowledged messages',
    );
  }
  if (variables.get('log_bin') === 'ON' && variables.get('sync_binlog') !== '1') {
    warnings.push(
      'sync_binlog is not 1: a crash of the database may lose acknowledged messages on its replicas',
    );
  }
  return warnings;
}

async function prepareConnections(dataSource: DataSource): Promise<void> {
  const { pool } = dataSource.driver as unknown as { pool: Pool };
  const collation = COLLATION[dataSource.options.type as keyof typeof COLLATION];
  const session = [...SESSION, `SET NAMES utf8mb4 COLLATE ${collation}`].join('; ');
  pool.on('connection', (connection) => {
    // If the connection is lost, the next statement reports the error.
    connection.query(session, () => {});
    connection.on('error', () => {});
  });
  // The pool has already opened the connection that it uses here.
  await dataSource.query(session);
}

function reason(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}
