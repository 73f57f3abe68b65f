import { HttpStatus } from '@nestjs/common';

/** What can go wrong for a caller. Services throw kinds; only this table knows what HTTP calls them. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'too-large'
  | 'too-many'
  | 'unavailable'
  | 'storage-full';

export const STATUS_OF: Record<ErrorKind, HttpStatus> = {
  invalid: HttpStatus.BAD_REQUEST,
  unauthenticated: HttpStatus.UNAUTHORIZED,
  forbidden: HttpStatus.FORBIDDEN,
  'not-found': HttpStatus.NOT_FOUND,
  conflict: HttpStatus.CONFLICT,
  'too-large': HttpStatus.PAYLOAD_TOO_LARGE,
  'too-many': HttpStatus.TOO_MANY_REQUESTS,
  unavailable: HttpStatus.SERVICE_UNAVAILABLE,
  'storage-full': HttpStatus.INSUFFICIENT_STORAGE,
};

/** An error that is meant for the caller, who reads its message. */
export class ParleyError extends Error {
  constructor(
    readonly kind: ErrorKind,
    message: string,
    /** When to try again, in seconds; with `too-many`. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

export const invalid = (message: string) => new ParleyError('invalid', message);
export const unauthenticated = (message: string) => new ParleyError('unauthenticated', message);
export const forbidden = (message: string) => new ParleyError('forbidden', message);
export const notFound = (message: string) => new ParleyError('not-found', message);
export const conflict = (message: string) => new ParleyError('conflict', message);
