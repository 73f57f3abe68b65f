import { HttpStatus } from '@nestjs/common';

/** The kinds of errors that services throw, each with its HTTP status, which services do not know. */
export const STATUS_OF = {
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

/** An error whose message the caller reads. */
export class ParleyError extends Error {
  constructor(
    readonly kind: keyof typeof STATUS_OF,
    message: string,
    /** In seconds, with `too-many`. */
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
