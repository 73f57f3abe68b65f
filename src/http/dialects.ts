import type { ParleyError } from '../errors/errors.js';
import { failure } from './chat-dialect.js';

/** How one family of routes writes its errors. */
export interface Dialect {
  /** The paths of the family; each one stands for all paths below it, too. */
  paths: string[];
  errorBody(reason: string, error: ParleyError): object;
}

/** In characters. JSON may escape each as six bytes, and an error body has at most 4 KiB. */
const MAX_REASON_LENGTH = 600;

const dialects: Dialect[] = [];

/** Called once per process by the module that owns the dialect's routes. All other paths belong to the Chat App API. */
export function registerDialect(dialect: Dialect): void {
  dialects.push(dialect);
}

/** Writes an error as the family of the path does. */
export function errorBody(error: ParleyError, path: string): object {
  const dialect = dialects.find(({ paths }) =>
    paths.some((family) => path === family || path.startsWith(`${family}/`)),
  );
  const reason = shorten(error.message);
  return dialect ? dialect.errorBody(reason, error) : failure(reason, error);
}

/** Shortens texts of a client that a reason quotes. */
function shorten(reason: string): string {
  return reason.length <= MAX_REASON_LENGTH
    ? reason
    : `${reason.slice(0, MAX_REASON_LENGTH).toWellFormed()}…`;
}
