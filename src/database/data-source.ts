import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { DataSource, type DataSourceOptions, MigrationExecutor } from 'typeorm';
import { type DatabaseSettings, type MysqlSettings, type Settings, StartError } from '../config/settings.js';
import { DatabaseHosts, sslOf } from './database-hosts.js';
import { DATABASE_DEADLINE_MS } from './driver.js';
import { holdMigrationLock } from './migration-lock.js';
import { MysqlDataSource } from './mysql.js';

const MIN_VERSIONS = { MySQL: [8, 4], MariaDB: [10, 11] } as const;

const START_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 2_000;

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

type DatabaseOptions = Pick<Settings, 'database' | 'databasePool'>;

/** Creates and migrates the database. @throws StartError when it cannot be reached, is too old, or a migration fails. */
export function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  return open(options, migrate);
}

/** Opens an existing database without migrating it. @throws StartError also when the database lacks a migration. */
export async function openExistingDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  const { database } = options;
  if (database.kind === 'sqlite' && !existsSync(database.file)) {
    throw new StartError(`There is no database ${database.file}`);
  }
  return open(options, async (writer) => {
    const pending = await new MigrationExecutor(writer).getPendingMigrations();
    if (pending.length === 0) return;
    const label = databaseLabel(database);
    throw new StartError(`The database ${label} lacks ${pending.length} migrations: start the server first`);
  });
}

async function migrate(writer: DataSource): Promise<void> {
  const run = () => writer.runMigrations({ transaction: 'each' });
  if (writer instanceof MysqlDataSource) await holdMigrationLock(writer, run);
  else await run();
}

type Prepare = (writer: DataSource) => Promise<void>;

async function open({ database, databasePool }: DatabaseOptions, prepare: Prepare): Promise<OpenDatabase> {
  try {
    return database.kind === 'mysql'
      ? await openMysql(database, databasePool, prepare)
      : await openSqlite(database.file, prepare);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(
      `Parley cannot start, the database ${databaseLabel(database)} failed: ${reason(error)}`,
    );
  }
}

async function openMysql(database: MysqlSettings, poolSize: number, prepare: Prepare): Promise<OpenDatabase> {
  const hosts = new DatabaseHosts(database);
  let writer: MysqlDataSource | undefined;
  try {
    await hosts.choose();
    const server = await inspect(database, hosts);
    writer = new MysqlDataSource(mysqlOptions(database, server, poolSize, hosts), hosts);
    await writer.initialize();
    await prepareConnections(writer);
    await prepare(writer);
    hosts.watch();
    return { writer, reader: writer, warnings: server.warnings };
  } catch (error) {
    hosts.stop();
    if (writer?.isInitialized) await writer.destroy();
    throw error;
  }
}

async function openSqlite(file: string, prepare: Prepare): Promise<OpenDatabase> {
  mkdirSync(dirname(file), { recursive: true });
  const writer = new DataSource(sqliteOptions(file));
  try {
    await writer.initialize();
    await prepare(writer);
    return { writer, reader: await openReader(file), warnings: [] };
  } catch (error) {
    if (writer.isInitialized) await writer.destroy();
    throw error;
  }
}

/** Leaves the SQLite file complete by itself, even while another process has it open. */
export async function closeDatabase(writer: DataSource, reader: DataSource): Promise<void> {
  if (writer instanceof MysqlDataSource) {
    writer.hosts.stop();
    // A frozen server never answers. Every unit of work has ended by now.
    await Promise.race([writer.destroy(), sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    return;
  }
  // A connection that only reads cannot remove the write-ahead log, so it must not be the last.
  await reader.destroy();
  await writer.query('PRAGMA wal_checkpoint(TRUNCATE)');
  await writer.destroy();
}

export async function commandLineDataSource({
  database,
  databasePool,
}: DatabaseOptions): Promise<DataSource> {
  if (database.kind === 'sqlite') {
    mkdirSync(dirname(database.file), { recursive: true, mode: 0o700 });
    return new DataSource(sqliteOptions(database.file));
  }
  const hosts = new DatabaseHosts(database);
  await hosts.choose();
  hosts.stop();
  return new DataSource(mysqlOptions(database, await inspect(database, hosts), databasePool, hosts));
}

export function databaseLabel(database: DatabaseSettings): string {
  if (database.kind === 'sqlite') return `sqlite:${database.file}`;
  const hosts = database.hosts.map(({ host, port }) => `${host}:${port}`);
  return `mysql://${hosts.join(',')}/${database.name}`;
}

interface Server {
  type: 'mysql' | 'mariadb';
  warnings: string[];
}

const SHARED_OPTIONS = {
  entities: ENTITIES,
  migrations: [join(import.meta.dirname, 'migrations/*.js')],
  synchronize: false,
  logging: false,
} satisfies Partial<DataSourceOptions>;

function sqliteOptions(file: string): DataSourceOptions {
  return {
    ...SHARED_OPTIONS,
    type: 'better-sqlite3',
    database: file,
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

function mysqlOptions(
  database: MysqlSettings,
  { type }: Server,
  poolSize: number,
  hosts: DatabaseHosts,
): DataSourceOptions {
  return {
    ...SHARED_OPTIONS,
    type,
    username: database.user,
    password: database.password,
    database: database.name,
    ssl: sslOf(database),
    charset: 'utf8mb4_bin',
    // A unit of work sends several statements in one packet.
    multipleStatements: true,
    connectTimeout: DATABASE_DEADLINE_MS,
    bigNumberStrings: false,
    extra: {
      connectionLimit: poolSize,
      queueLimit: MAX_WAITING_FOR_POOL,
      // Each connection prepares a statement once for each length of its list. MySQL allows 16,382 for all instances.
      maxPreparedStatements: 300,
      stream: ({ config }: { config: MysqlSettings['hosts'][number] }) => {
        // TLS verifies that the certificate is this host's.
        Object.assign(config, hosts.host);
        return hosts.connect();
      },
    },
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

async function inspect(database: MysqlSettings, hosts: DatabaseHosts): Promise<Server> {
  const connection = await createConnection({
    ...hosts.host,
    user: database.user,
    password: database.password,
    database: database.name,
    ssl: sslOf(database),
    connectTimeout: START_TIMEOUT_MS,
  });
  try {
    const [rows] = await connection.query<RowDataPacket[]>(
      `SHOW GLOBAL VARIABLES WHERE Variable_name IN
         ('version', 'wsrep_on', 'innodb_flush_log_at_trx_commit', 'log_bin', 'sync_binlog')`,
    );
    const variables = new Map(rows.map((row) => [row.Variable_name as string, String(row.Value)]));
    const version = variables.get('version') ?? '';
    const problem = checkVersion(version);
    if (problem) throw new StartError(`Parley cannot start: ${problem}`);
    // The first health check may have timed out. On Galera, statements that share a packet can lose writes.
    hosts.isGalera ||= variables.get('wsrep_on') === 'ON';
    return {
      type: /mariadb/i.test(version) ? 'mariadb' : 'mysql',
      warnings: durabilityWarnings(variables),
    };
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

async function prepareConnections(dataSource: MysqlDataSource): Promise<void> {
  const collation = COLLATION[dataSource.options.type as keyof typeof COLLATION];
  const session = [...SESSION, `SET NAMES utf8mb4 COLLATE ${collation}`].join('; ');
  dataSource.pool.on('connection', (connection) => {
    // A statement must not run in a session with other settings. The next one reports that the connection is closed.
    connection.query(session, (error) => error && connection.destroy());
    connection.on('error', () => {});
  });
  // The pool has already opened the connection that it uses here.
  await dataSource.query(session);
}

function reason(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}
