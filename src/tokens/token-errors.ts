import { ParleyError } from '../errors/errors.js';
import { limitExceeded } from '../limits/limit-errors.js';

/** A token that is not accepted, and why. Pages explain the reason to people. */
export class InvalidToken extends ParleyError {
  constructor(
    readonly problem: 'expired' | 'revoked' | 'malformed',
    details: string,
  ) {
    super('token_invalid', `invalid token: ${details}`);
  }
}

export const tokenRevoked = () => new InvalidToken('revoked', 'no longer valid');
export const tokenMissing = () => new ParleyError('token_missing', "header 'Authorization' must be present");

/** Errors of the token guard: examples for the OpenAPI document. */
export const TOKEN_ERRORS = [tokenMissing(), tokenRevoked(), limitExceeded('call', 1)];
