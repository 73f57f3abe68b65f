import type { Pool, PoolConnection } from 'mysql2';
import type { DataSource } from 'typeorm';
import { type Connection, type Driver, queryError, type Outcome, type Statement } from './driver.js';
import { DatabaseUnavailable } from './driver-errors.js';

/** How long a task and a read may take, in milliseconds; a database that hangs must not hang us. */
const TASK_DEADLINE = 15_000;
const READ_DEADLINE = 10_000;

/** MySQL and MariaDB: connections of TypeORM's pool. */
export class Mysql implements Driver {
  readonly oneWriter = false;
  readonly begin = 'START TRANSACTION';

  constructor(private readonly dataSource: DataSource) {}

  /** Prepared on the server, once for each connection and text of a statement. */
  read(statement: Statement): Promise<unknown[]> {
    const { pool } = this.dataSource.driver as unknown as { pool: Pool };
    return new Promise((resolve, reject) => {
      const lease = new Lease(READ_DEADLINE, reject);
      pool.getConnection((error, connection) => {
        if (error) return lease.fail(unreachable(error));
        if (!lease.take(connection)) return;
        const { sql, values } = statement;
        connection.execute<never[]>({ sql, values }, (failure, rows) => {
          if (!lease.end()) return;
          connection.release();
          if (failure) reject(queryError(statement, failure));
          else resolve(rows);
        });
      });
    });
  }

  use<T>(task: (connection: Connection) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    return new Promise((resolve, reject) => {
      const lease = new Lease(TASK_DEADLINE, reject);
      const run = async () => {
        const connection = await (runner.connect() as Promise<PoolConnection>).catch((error: Error) => {
          throw unreachable(error);
        });
        if (!lease.take(connection)) throw new DatabaseUnavailable('the database takes too long');
        const send = (statements: Statement[]) => sendTogether(connection, statements);
        const rollBack = async () => {
          // A connection that cannot do that is of no use to anybody; closing it rolls back as well.
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
 * A connection, for a limited time, which begins anew when it is had: then it is closed, and the server rolls back
 * unless it has the commit already.
 */
class Lease {
  private connection?: PoolConnection;
  private ended = false;
  private readonly timer: NodeJS.Timeout;

  constructor(
    deadline: number,
    private readonly reject: (error: Error) => void,
  ) {
    this.timer = setTimeout(() => {
      this.ended = true;
      this.connection?.destroy();
      this.reject(new DatabaseUnavailable('the database takes too long'));
    }, deadline);
  }

  /** `false` when it comes too late, and goes back. */
  take(connection: PoolConnection): boolean {
    if (this.ended) {
      connection.release();
      return false;
    }
    this.connection = connection;
    this.timer.refresh();
    return true;
  }

  /** `false` when the time was over before. */
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
