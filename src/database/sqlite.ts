import { LRUCache } from 'lru-cache';
import type { DataSource } from 'typeorm';
import { type Connection, type Driver, queryError, type Outcome, type Statement } from './driver.js';

/** The part of better-sqlite3's synchronous API that is used here. */
interface Database {
  readonly inTransaction: boolean;
  prepare(sql: string): PreparedStatement;
}

interface PreparedStatement {
  readonly reader: boolean;
  all(...values: (string | number | null)[]): unknown[];
  run(...values: (string | number | null)[]): { changes: number };
}

const MAX_PREPARED_STATEMENTS = 500;

export class Sqlite implements Driver {
  readonly oneWriter = true;
  readonly begin = 'BEGIN IMMEDIATE';
  private readonly prepared = new LRUCache<string, PreparedStatement>({ max: MAX_PREPARED_STATEMENTS });

  private readonly database: Database;

  constructor(private readonly dataSource: DataSource) {
    this.database = (dataSource.driver as unknown as { databaseConnection: Database }).databaseConnection;
  }

  async read(statement: Statement): Promise<unknown[]> {
    return this.run(statement).rows;
  }

  use<T>(task: (connection: Connection) => Promise<T>): Promise<T> {
    return task({
      manager: this.dataSource.manager,
      send: async (statements) => statements.map((statement) => this.run(statement)),
      rollBack: async () => {
        // On a full disk SQLite rolls back by itself.
        if (this.database.inTransaction) this.run({ sql: 'ROLLBACK', values: [] });
      },
    });
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
