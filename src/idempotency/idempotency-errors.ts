import { invalidInput, ParleyError } from '../errors/errors.js';

export const invalidIdempotencyKey = () =>
  invalidInput('header', 'Idempotency-Key', 'must have 1 to 255 visible ASCII characters');

export const idempotencyConflict = () =>
  new ParleyError('idempotency_conflict', 'the idempotency key belongs to another request');

/** What a route that takes a key answers besides its own errors, for the document. */
export const IDEMPOTENCY_ERRORS = [invalidIdempotencyKey(), idempotencyConflict()];
