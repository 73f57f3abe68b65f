import { type EntityManager, QueryFailedError } from 'typeorm';

export type SqlValue = string | number | boolean | null;

export interface Statement {
  sql: string;
  values: SqlValue[];
}

export interface Outcome {
  rows: unknown[];
  affected: number;
}

/**
 * Limits one read, and one unit of work including its wait for a connection and its retries. Shorter than the 5 s within
 * which every request is answered.
 */
export const DATABASE_DEADLINE_MS = 4_500;

/**
 * Runs SQL without TypeORM's query runner, which costs more than a short query. Throws `QueryFailedError` when the database
 * refuses a statement and `DatabaseUnavailable` when the database does not answer.
 */
export interface Driver {
  readonly oneWriter: boolean;
  readonly begin: string;

  read(statement: Statement): Promise<unknown[]>;

  /** As `read`, but a node of a cluster first applies all that other nodes have committed. */
  readLatest(statement: Statement): Promise<unknown[]>;

  /** Resolves when what any node of a cluster has committed can be read. */
  syncWithCluster(): Promise<void>;

  /** Runs `task` on a connection that nothing else uses meanwhile, for at most `timeoutMs`. */
  use<T>(task: (connection: Connection) => Promise<T>, timeoutMs?: number): Promise<T>;
}

export interface Connection {
  readonly manager: EntityManager;

  /** Runs statements in one round trip, in order. The first that fails ends the call. */
  send(statements: Statement[]): Promise<Outcome[]>;

  rollBack(): Promise<void>;
}

export function queryError({ sql, values }: Statement, error: unknown): QueryFailedError {
  return new QueryFailedError(sql, values, error as Error);
}
