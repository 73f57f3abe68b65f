import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { DataSource } from 'typeorm';
import {
  type Connection,
  DATABASE_DEADLINE_MS,
  type Driver,
  queryError,
  type Outcome,
  type Statement,
} from './driver.js';
import { isBusy } from './driver-errors.js';

/** The part of better-sqlite3's synchronous API that is used here. */
interface Database {
  readonly inTransaction: boolean;
  pragma(text: string): unknown;
  prepare(sql: string): PreparedStatement;
}

interface PreparedStatement {
  readonly reader: boolean;
  all(...values: (string | number | null)[]): unknown[];
  run(...values: (string | number | null)[]): { changes: number };
}

const MAX_PREPARED_STATEMENTS = 500;

/** Ends before a request's deadline does, so that nothing is written after the answer. */
const MAX_BUSY_MS = DATABASE_DEADLINE_MS - 500;

const BUSY_RETRY_MS = 10;

export class Sqlite implements Driver {
  readonly oneWriter = true;
  readonly begin = 'BEGIN IMMEDIATE';
  private readonly prepared = new LRUCache<string, PreparedStatement>({ max: MAX_PREPARED_STATEMENTS });

  private readonly database: Database;

  /** Until when statements wait for another process. Shared, so that queued units do not wait one after the other. */
  private busyUntil = -Infinity;

  constructor(private readonly dataSource: DataSource) {
    this.database = (dataSource.driver as unknown as { databaseConnection: Database }).databaseConnection;
    // SQLite's own wait would block the event loop.
    this.database.pragma('busy_timeout = 0');
  }

  async read(statement: Statement): Promise<unknown[]> {
    const [{ rows }] = await this.send([statement]);
    return rows;
  }

  readLatest(statement: Statement): Promise<unknown[]> {
    return this.read(statement);
  }

  async syncWithCluster(): Promise<void> {}

  use<T>(task: (connection: Connection) => Promise<T>): Promise<T> {
    return task({
      manager: this.dataSource.manager,
      send: (statements) => this.send(statements),
      rollBack: async () => {
        // On a full disk SQLite rolls back by itself.
        if (this.database.inTransaction) this.run({ sql: 'ROLLBACK', values: [] });
      },
    });
  }

  /** A statement that meets the lock of another process has no effect, so it and the rest are sent again. */
  private async send(statements: Statement[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    while (outcomes.length < statements.length) {
      try {
        outcomes.push(this.run(statements[outcomes.length]));
        this.busyUntil = -Infinity;
      } catch (error) {
        if (!isBusy(error) || !this.mayWait()) throw error;
        await sleep(BUSY_RETRY_MS);
      }
    }
    return outcomes;
  }

  /** After a wait in vain, statements fail at once for as long again. */
  private mayWait(): boolean {
    const now = performance.now();
    if (now > this.busyUntil + MAX_BUSY_MS) this.busyUntil = now + MAX_BUSY_MS;
    return now < this.busyUntil;
  }

  private run(statement: Statement): Outcome {
    try {
      const prepared = this.prepare(statement.sql);
      const values = statement.values.map((value) => (typeof value === 'boolean' ? Number(value) : value));
      if (prepared.reader) return { rows: prepared.all(...values), affected: 0 };
      return { rows: [], affected: prepared.run(...values).changes };
    } catch (error) {
      throw queryError(statement, error);
    }
  }

  private prepare(sql: string): PreparedStatement {
    let prepared = this.prepared.get(sql);
    if (!prepared) {
      prepared = this.database.prepare(sql);
      this.prepared.set(sql, prepared);
    }
    return prepared;
  }
}
