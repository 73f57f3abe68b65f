import type { Pool, PoolConnection, QueryError } from 'mysql2';
import type { DataSource } from 'typeorm';
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

export class Mysql implements Driver {
  readonly oneWriter = false;
  readonly begin = 'START TRANSACTION';

  constructor(private readonly dataSource: DataSource) {}

  read(statement: Statement): Promise<unknown[]> {
    const { pool } = this.dataSource.driver as unknown as { pool: Pool };
    return new Promise((resolve, reject) => {
      const lease = new Lease(DATABASE_DEADLINE_MS, reject);
      pool.getConnection((error, connection) => {
        if (error) return lease.fail(unreachable(error));
        if (!lease.take(connection)) return;
        const { sql, values } = statement;
        const respond = (failure: QueryError | null, rows: never[]) => {
          if (!lease.end()) return;
          connection.release();
          if (failure) reject(queryError(statement, failure));
          else resolve(rows);
        };
        if (values.length > MAX_PREPARED_VALUES) connection.query<never[]>({ sql, values }, respond);
        else connection.execute<never[]>({ sql, values }, respond);
      });
    });
  }

  use<T>(task: (connection: Connection) => Promise<T>, timeoutMs = DATABASE_DEADLINE_MS): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    return new Promise((resolve, reject) => {
      const lease = new Lease(timeoutMs, reject);
      const run = async () => {
        const connection = await (runner.connect() as Promise<PoolConnection>).catch((error: Error) => {
          throw unreachable(error);
        });
        if (!lease.take(connection)) throw new DatabaseUnavailable('the database takes too long');
        const send = (statements: Statement[]) => sendTogether(connection, statements);
        const rollBack = async () => {
          // Closing the connection rolls back as well.
          await send([{ sql: 'ROLLBACK', values: [] }]).catch(() => connection.destroy());
        };
        return task({ manager: runner.manager, send, rollBack });
      };
      run()
        .finally(() => lease.end() && runner.release())
        .then(resolve, reject);
    });
  }
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
      this.connection?.destroy();
      this.reject(new DatabaseUnavailable('the database takes too long'));
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

type RawResult = unknown[] | { affectedRows: number };

function outcome(result: RawResult): Outcome {
  return Array.isArray(result) ? { rows: result, affected: 0 } : { rows: [], affected: result.affectedRows };
}

function unreachable(error: Error): DatabaseUnavailable {
  return new DatabaseUnavailable(error.message, { cause: error });
}
