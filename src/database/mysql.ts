import type { Socket } from 'node:net';
import type { Pool, PoolConnection, QueryError } from 'mysql2';
import { DataSource, type DataSourceOptions, type QueryRunner } from 'typeorm';
import type { DatabaseHosts } from './database-hosts.js';
import {
  type Connection,
  DATABASE_DEADLINE_MS,
  type Driver,
  queryError,
  type Outcome,
  type Statement,
} from './driver.js';
import { DatabaseUnavailable } from './driver-errors.js';

/**
 * Longer lists are sent as text: each connection would keep a prepared statement for each length, with a definition of
 * each parameter. The largest batch of look-ups has 384 values.
 */
const MAX_PREPARED_VALUES = 400;

export class MysqlDataSource extends DataSource {
  constructor(
    options: DataSourceOptions,
    readonly hosts: DatabaseHosts,
  ) {
    super(options);
  }

  get pool(): Pool {
    return (this.driver as unknown as { pool: Pool }).pool;
  }
}

export class Mysql implements Driver {
  readonly oneWriter = false;
  readonly begin = 'START TRANSACTION';
  private readonly hosts: DatabaseHosts;

  constructor(private readonly dataSource: MysqlDataSource) {
    this.hosts = dataSource.hosts;
  }

  readLatest({ sql, values }: Statement): Promise<unknown[]> {
    return this.read({
      sql: this.hosts.isGalera ? `SET STATEMENT wsrep_sync_wait = 1 FOR ${sql}` : sql,
      values,
    });
  }

  async syncWithCluster(): Promise<void> {
    if (this.hosts.isGalera) await this.readLatest({ sql: 'SELECT epoch FROM database_epoch', values: [] });
  }

  read(statement: Statement): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const lease = new Lease(DATABASE_DEADLINE_MS, reject);
      this.getConnection((error, connection) => {
        if (error) return lease.fail(unreachable(error));
        if (!lease.take(connection)) return;
        const { sql, values } = statement;
        const respond = (failure: QueryError | null, rows: never[]) => {
          if (!lease.end()) return;
          this.closeIfStale(connection);
          connection.release();
          if (failure) reject(queryError(statement, failure));
          else resolve(rows);
        };
        if (values.length > MAX_PREPARED_VALUES) connection.query<never[]>({ sql, values }, respond);
        else connection.execute<never[]>({ sql, values }, respond);
      });
    });
  }

  private getConnection(take: (error: Error | null, connection: PoolConnection) => void): void {
    this.dataSource.pool.getConnection((error, connection) => {
      if (error || !this.closeIfStale(connection)) take(error, connection);
      else this.getConnection(take);
    });
  }

  use<T>(task: (connection: Connection) => Promise<T>, timeoutMs = DATABASE_DEADLINE_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      const lease = new Lease(timeoutMs, reject);
      const run = async () => {
        const { runner, connection } = await this.connect();
        try {
          if (!lease.take(connection)) throw new DatabaseUnavailable('the database takes too long');
          const send = (statements: Statement[]) =>
            this.hosts.isGalera ? sendInTurn(connection, statements) : sendTogether(connection, statements);
          const rollBack = async () => {
            // Closing the connection rolls back as well.
            await send([{ sql: 'ROLLBACK', values: [] }]).catch(() => connection.destroy());
          };
          return await task({ manager: runner.manager, send, rollBack });
        } finally {
          if (lease.end()) {
            this.closeIfStale(connection);
            await runner.release();
          }
        }
      };
      run()
        .finally(() => lease.end())
        .then(resolve, reject);
    });
  }

  private async connect(): Promise<{ runner: QueryRunner; connection: PoolConnection }> {
    for (;;) {
      const runner = this.dataSource.createQueryRunner();
      const connection = await (runner.connect() as Promise<PoolConnection>).catch((error: Error) => {
        throw unreachable(error);
      });
      if (!this.closeIfStale(connection)) return { runner, connection };
      await runner.release();
    }
  }

  /** Closes a connection to a host that is no longer used. Under load a connection is never idle, so that its release checks too. */
  private closeIfStale(connection: PoolConnection): boolean {
    if (this.hosts.isCurrent(socketOf(connection))) return false;
    connection.destroy();
    return true;
  }
}

function socketOf(connection: PoolConnection): Socket {
  return (connection as unknown as { stream: Socket }).stream;
}

/**
 * Bounds in time the wait for a connection and its use. After it the connection is closed, and the server rolls back an open
 * transaction.
 */
class Lease {
  private connection?: PoolConnection;
  private ended = false;
  private readonly timer: NodeJS.Timeout;

  constructor(
    timeoutMs: number,
    private readonly reject: (error: Error) => void,
  ) {
    this.timer = setTimeout(() => {
      this.ended = true;
      const error = new DatabaseUnavailable('the database takes too long');
      if (this.connection) {
        // Fails the statement under way, whose answer would otherwise be awaited for ever.
        socketOf(this.connection).destroy(error);
        this.connection.destroy();
      }
      this.reject(error);
    }, timeoutMs);
  }

  /** Returns false, and releases the connection, when the time is over. */
  take(connection: PoolConnection): boolean {
    if (this.ended) {
      connection.release();
      return false;
    }
    this.connection = connection;
    return true;
  }

  end(): boolean {
    const inTime = !this.ended;
    this.ended = true;
    clearTimeout(this.timer);
    return inTime;
  }

  fail(error: Error): void {
    if (this.end()) this.reject(error);
  }
}

function sendTogether(connection: PoolConnection, statements: Statement[]): Promise<Outcome[]> {
  const statement = {
    sql: statements.map(({ sql }) => sql).join(';\n'),
    values: statements.flatMap(({ values }) => values),
  };
  return new Promise((resolve, reject) => {
    connection.query(statement, (error, results) => {
      if (error) return reject(queryError(statement, error));
      resolve((statements.length > 1 ? (results as RawResult[]) : [results as RawResult]).map(outcome));
    });
  });
}

/**
 * Sends each statement in a packet of its own. If a transaction of another node aborts this one while a packet of several
 * statements runs, Galera loses the error: the rest of the packet runs outside of the transaction, and COMMIT succeeds.
 */
async function sendInTurn(connection: PoolConnection, statements: Statement[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const statement of statements) outcomes.push(...(await sendTogether(connection, [statement])));
  return outcomes;
}

type RawResult = unknown[] | { affectedRows: number };

function outcome(result: RawResult): Outcome {
  return Array.isArray(result) ? { rows: result, affected: 0 } : { rows: [], affected: result.affectedRows };
}

function unreachable(error: Error): DatabaseUnavailable {
  return new DatabaseUnavailable(error.message, { cause: error });
}
