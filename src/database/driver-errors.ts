import { QueryFailedError } from 'typeorm';

interface DriverError {
  code?: string;
  errno?: number;
  /** mysql2: the connection is lost. */
  fatal?: boolean;
  message?: string;
}

const RETRY = new Set([
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_CHECKREAD',
  // MySQL Group Replication: another member has committed a conflicting transaction.
  'ER_TRANSACTION_ROLLBACK_DURING_COMMIT',
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
  'ER_MAX_PREPARED_STMT_COUNT_REACHED',
  'ER_CONNECTION_KILLED',
  'ER_SESSION_WAS_KILLED',
  'ER_SERVER_OFFLINE_MODE',
  'ER_READ_ONLY_MODE',
  'ER_QUERY_INTERRUPTED',
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_OPTION_PREVENTS_STATEMENT',
  // A Galera node without a quorum.
  'ER_UNKNOWN_COM_ERROR',
  // A member of a Group Replication that cannot reach the others.
  'ER_RUN_HOOK_ERROR',
  'ER_TRANSACTION_ROLLBACK_DURING_COMMIT',
  'ER_ERROR_DURING_COMMIT',
  'ER_BAD_DB_ERROR',
  'ER_ACCESS_DENIED_ERROR',
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
  'SQLITE_FULL',
  'SQLITE_CANTOPEN',
  'SQLITE_READONLY',
  'SQLITE_IOERR',
]);

/** MariaDB's ER_CONNECTION_KILLED, for which mysql2 has no name. */
const MARIADB_CONNECTION_KILLED = 1927;

const CLOSED = /Pool is closed|closed state|Connection lost|not open/i;

/** The database gave no connection, or did not answer in time. */
export class DatabaseUnavailable extends Error {}

/** Whether the transaction lost a race against another one and may be run again. */
export function isRetryable(error: unknown): boolean {
  return RETRY.has(driverError(error)?.code ?? '');
}

/** Whether another process holds a lock of SQLite. */
export function isBusy(error: unknown): boolean {
  return driverError(error)?.code?.startsWith('SQLITE_BUSY') ?? false;
}

export function isUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable) return true;
  const driver = driverError(error);
  if (!driver) return false;
  const { code = '', errno, message = '', fatal = false } = driver;
  // SQLite appends a detail to its codes: SQLITE_IOERR_WRITE.
  const family = code.split('_').slice(0, 2).join('_');
  return (
    fatal ||
    errno === MARIADB_CONNECTION_KILLED ||
    UNAVAILABLE.has(code) ||
    UNAVAILABLE.has(family) ||
    CLOSED.test(message)
  );
}

export function isDuplicate(
  error: unknown,
  { table, column, index }: { table: string; column: string; index: string },
): boolean {
  const { code = '', message = '' } = driverError(error) ?? {};
  if (code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY') {
    return message.endsWith(`${table}.${column}`);
  }
  // Compare the end: the value in the message could contain the index's name.
  return (
    code === 'ER_DUP_ENTRY' && (message.endsWith(`for key '${index}'`) || message.endsWith(`.${index}'`))
  );
}

function driverError(error: unknown): DriverError | undefined {
  return error instanceof QueryFailedError ? error.driverError : undefined;
}
