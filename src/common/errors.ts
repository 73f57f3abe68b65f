import { HttpStatus } from '@nestjs/common';

/** What can go wrong for a caller. Services throw kinds; only this table knows what HTTP calls them. */
export type ErrorKind =
  'invalid' | 'unauthenticated' | 'forbidden' | 'conflict' | 'too-large' | 'unavailable';

export const STATUS_OF: Record<ErrorKind, HttpStatus> = {
  invalid: HttpStatus.BAD_REQUEST,
  unauthenticated: HttpStatus.UNAUTHORIZED,
  forbidden: HttpStatus.FORBIDDEN,
  conflict: HttpStatus.CONFLICT,
  'too-large': HttpStatus.PAYLOAD_TOO_LARGE,
  unavailable: HttpStatus.SERVICE_UNAVAILABLE,
};

/** An error that is meant for the caller, who reads its message. */
export class ParleyError extends Error {
  constructor(
    readonly kind: ErrorKind,
    message: string,
  ) {
    super(message);
  }
}

export const invalid = (message: string) => new ParleyError('invalid', message);
export const unauthenticated = (message: string) => new ParleyError('unauthenticated', message);
export const forbidden = (message: string) => new ParleyError('forbidden', message);
export const conflict = (message: string) => new ParleyError('conflict', message);
