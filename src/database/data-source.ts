import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Pool } from 'mysql2';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { type DatabaseSettings, StartError } from '../config/settings.js';

const OLDEST = { MySQL: [8, 4], MariaDB: [10, 11] } as const;

/** How long to wait for SQLite's file lock, and for MySQL to accept a connection, in milliseconds. */
const PATIENCE = 10_000;

const ENTITIES = [join(import.meta.dirname, '../**/*.entity.js')];

/** What each connection of the pool is told, so that nothing depends on the server's defaults. */
const SESSION = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
  'SET SESSION innodb_lock_wait_timeout = 5',
];

/** The collation of all our columns: values are compared in the same one. */
const COLLATION = { mariadb: 'utf8mb4_nopad_bin', mysql: 'utf8mb4_0900_bin' };

/** What the operator should know of an open database. */
export interface OpenDatabase {
  /** Writes; see `UnitOfWork`. */
  writer: DataSource;
  /**
   * Reads outside of transactions. SQLite: a second connection, because whoever shared the writer's would
   * see its uncommitted rows. MySQL: the same pool, where each transaction has its own connection.
   */
  reader: DataSource;
  /** Settings of the server that let it lose commits it has confirmed. */
  warnings: string[];
}

/**
 * Connects, checks that the server is one that Parley works with, and brings the schema up to date.
 *
 * @throws StartError when the database cannot be reached, is too old, or a migration fails.
 */
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

/** As {@link openDatabase}, for TypeORM's command line, which connects by itself. */
export async function commandLineDataSource(database: DatabaseSettings): Promise<DataSource> {
  return new DataSource(dataSourceOptions(database, await inspect(database)));
}

/** The database's address as an operator knows it, without its password. */
export function databaseLabel(database: DatabaseSettings): string {
  return database.kind === 'sqlite'
    ? `sqlite:${database.file}`
    : `mysql://${database.host}:${database.port}/${database.name}`;
}

interface Server {
  /** TypeORM reads MariaDB's catalogue differently. */
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
      timeout: PATIENCE,
      prepareDatabase: (connection: { pragma(text: string): void }) => {
        connection.pragma('journal_mode = WAL');
        // FULL flushes each commit to disk: what was acknowledged survives a power cut.
        connection.pragma('synchronous = FULL');
        connection.pragma('foreign_keys = ON');
        // 16 MB, four times the default: a page that many commits change is copied into the database once for all of them.
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
    // A unit of work sends several at once. Values are never part of a statement's text.
    multipleStatements: true,
    connectTimeout: PATIENCE,
    bigNumberStrings: false,
    extra: { queueLimit: 10_000 },
  };
}

function openReader(file: string): Promise<DataSource> {
  const options = { type: 'better-sqlite3', database: file, timeout: PATIENCE, readonly: true } as const;
  return new DataSource({ ...options, entities: ENTITIES }).initialize();
}

/** What stands behind the address. SQLite: its folder is made, the rest is the driver's. */
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
    connectTimeout: PATIENCE,
  });
  try {
    const [rows] = await connection.query<RowDataPacket[]>(
      `SHOW GLOBAL VARIABLES WHERE Variable_name IN
         ('version', 'innodb_flush_log_at_trx_commit', 'log_bin', 'sync_binlog')`,
    );
    const variables = new Map(rows.map((row) => [row.Variable_name as string, String(row.Value)]));
    const version = variables.get('version') ?? '';
    const problem = tooOld(version);
    if (problem) throw new StartError(`Parley cannot start: ${problem}`);
    return { type: /mariadb/i.test(version) ? 'mariadb' : 'mysql', warnings: durabilityWarnings(variables) };
  } finally {
    connection.destroy();
  }
}

/** Says what is wrong with a server of that version, or nothing. */
export function tooOld(version: string): string | undefined {
  const name = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
  const oldest = OLDEST[name];
  const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return undefined;
  return `the database is ${name} ${version}, Parley needs ${name} ${oldest.join('.')} or newer`;
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
    // A failure here is a lost connection, which the statement behind it reports.
    connection.query(session, () => {});
    // The pool takes an idle connection out that is lost; nobody else need know.
    connection.on('error', () => {});
  });
  // The pool has opened its first connection already, and uses that one here.
  await dataSource.query(session);
}

function reason(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}
