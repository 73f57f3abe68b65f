import { HttpStatus } from '@nestjs/common';

/** HTTP statuses by the kind of error, because services throw kinds and do not know HTTP. */
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
