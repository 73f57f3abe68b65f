import type { DataSource, QueryRunner } from 'typeorm';
import { DatabaseUnavailable } from './driver-errors.js';

export const isEmbedded = ({ options }: DataSource) => options.type === 'better-sqlite3';

interface SqliteConnection {
  inTransaction: boolean;
}

interface MysqlConnection {
  destroy(): void;
}

/** A connection, for one task: taken when it begins, given back when it ends, dropped when it takes too long. */
export class Session {
  readonly runner: QueryRunner;
  private readonly embedded: boolean;

  constructor(dataSource: DataSource) {
    this.runner = dataSource.createQueryRunner();
    this.embedded = isEmbedded(dataSource);
  }

  /** @throws DatabaseUnavailable when no connection can be had, or `task` takes longer than `deadline` milliseconds. */
  async use<T>(deadline: number, task: () => Promise<T>): Promise<T> {
    // SQLite answers before it returns: there is nothing to wait for.
    if (this.embedded) return task();
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.drop();
        reject(new DatabaseUnavailable('the database takes too long'));
      }, deadline);
    });
    try {
      return await Promise.race([this.connect().then(task), tooLate]);
    } finally {
      clearTimeout(timer);
      await this.runner.release();
    }
  }

  /** Ends a transaction that failed. A connection that cannot do that is of no use to anybody. */
  async rollBack(): Promise<void> {
    if (!this.embedded) {
      await this.runner.query('ROLLBACK').catch(() => this.drop());
      return;
    }
    // On a full disk SQLite has rolled back already.
    const connection = (await this.runner.connect()) as SqliteConnection;
    if (connection.inTransaction) await this.runner.query('ROLLBACK');
  }

  private async connect(): Promise<void> {
    try {
      await this.runner.connect();
    } catch (error) {
      throw new DatabaseUnavailable((error as Error).message, { cause: error });
    }
  }

  /** Closes the connection, which makes the server roll back; also one that is still to come. */
  private drop(): void {
    this.runner.connect().then(
      (connection: MysqlConnection) => connection.destroy(),
      () => {},
    );
  }
}
