import { invalidInput, ParleyError } from '../errors/errors.js';

export const invalidIdempotencyKey = () =>
  invalidInput('header', 'Idempotency-Key', 'must have 1 to 255 visible ASCII characters');

export const idempotencyConflict = () =>
  new ParleyError('idempotency_conflict', 'the idempotency key belongs to another request');

/** Errors of every route that takes a key: examples for the OpenAPI document. */
export const IDEMPOTENCY_ERRORS = [invalidIdempotencyKey(), idempotencyConflict()];
