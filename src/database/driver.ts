import { type EntityManager, QueryFailedError } from 'typeorm';

export type SqlValue = string | number | boolean | null;

export interface Statement {
  sql: string;
  values: SqlValue[];
}

/** The rows of a SELECT, or how many rows a write matched. */
export interface Outcome {
  rows: unknown[];
  affected: number;
}

/**
 * The database of a data source, spoken to without TypeORM's query runner, which costs more than a short query. What
 * the database refuses is a `QueryFailedError`, what it does not answer a `DatabaseUnavailable`.
 */
export interface Driver {
  /** Whether one writer at a time is all that the database takes. */
  readonly oneWriter: boolean;
  /** What begins a transaction that writes. */
  readonly begin: string;

  /** The rows of a SELECT, outside of any transaction. */
  read(statement: Statement): Promise<unknown[]>;

  /** Runs `task` on a connection that it has for itself until it ends. */
  use<T>(task: (connection: Connection) => Promise<T>): Promise<T>;
}

/** One connection. */
export interface Connection {
  /** TypeORM's, on this connection. */
  readonly manager: EntityManager;

  /** Runs statements in their order, in one round trip; none behind one that fails. The outcome of each. */
  send(statements: Statement[]): Promise<Outcome[]>;

  /** Ends a transaction that failed. */
  rollBack(): Promise<void>;
}

/** The driver's error, with what it was about. */
export function queryError({ sql, values }: Statement, error: unknown): QueryFailedError {
  return new QueryFailedError(sql, values, error as Error);
}
