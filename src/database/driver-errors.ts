import { QueryFailedError } from 'typeorm';

/** What the drivers' errors mean, for both databases, in one place. */

interface DriverError {
  code?: string;
  /** mysql2: the connection is lost. */
  fatal?: boolean;
  message?: string;
}

const RETRY = new Set([
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_CHECKREAD',
  // What was to be deleted has been referred to meanwhile: the next run sees it.
  'ER_ROW_IS_REFERENCED_2',
]);

const UNAVAILABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ER_SERVER_SHUTDOWN',
  'ER_CON_COUNT_ERROR',
  'ER_CONNECTION_KILLED',
  'ER_QUERY_INTERRUPTED',
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_OPTION_PREVENTS_STATEMENT',
  'ER_BAD_DB_ERROR',
  'ER_ACCESS_DENIED_ERROR',
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
  'SQLITE_FULL',
  'SQLITE_CANTOPEN',
  'SQLITE_READONLY',
  'SQLITE_IOERR',
]);

const CLOSED = /Pool is closed|closed state|Connection lost|not open/i;

/** No connection could be had, or the database did not answer in time. */
export class DatabaseUnavailable extends Error {}

/** The transaction lost a race against another one and may simply be run again. */
export function isRetryable(error: unknown): boolean {
  return RETRY.has(driverError(error)?.code ?? '');
}

/** The database is away, full or overloaded: trouble of the server's, which may pass. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true;
  const driver = driverError(error);
  if (!driver) return false;
  const { code = '', message = '', fatal = false } = driver;
  // SQLite's codes carry a detail behind them: SQLITE_IOERR_WRITE, SQLITE_BUSY_SNAPSHOT.
  const family = code.split('_').slice(0, 2).join('_');
  return fatal || UNAVAILABLE.has(code) || UNAVAILABLE.has(family) || CLOSED.test(message);
}

/** Whether the error is a second row with the same value in `column` of `table`, under the index `index`. */
export function isDuplicate(
  error: unknown,
  { table, column, index }: { table: string; column: string; index: string },
): boolean {
  const { code = '', message = '' } = driverError(error) ?? {};
  if (code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY') {
    return message.endsWith(`${table}.${column}`);
  }
  // The value stands in the message too, before this: only its end can be trusted.
  return (
    code === 'ER_DUP_ENTRY' && (message.endsWith(`for key '${index}'`) || message.endsWith(`.${index}'`))
  );
}

/** A row refers to one that does not exist (any more). */
export function isMissingReference(error: unknown): boolean {
  const code = driverError(error)?.code;
  return code === 'SQLITE_CONSTRAINT_FOREIGNKEY' || code === 'ER_NO_REFERENCED_ROW_2';
}

/** A row has no value where it must have one. */
export function isMissingValue(error: unknown): boolean {
  const code = driverError(error)?.code;
  return code === 'SQLITE_CONSTRAINT_NOTNULL' || code === 'ER_BAD_NULL_ERROR';
}

/** What the driver said, of a query that failed; any other error is none of the database's. */
function driverError(error: unknown): DriverError | undefined {
  return error instanceof QueryFailedError ? error.driverError : undefined;
}
