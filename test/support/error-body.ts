import { expect } from 'vitest';
import { type ErrorCode, STATUS_OF } from '#src/errors/errors.js';
import type { Json } from './parley.js';

/** Statuses that HTTP has for requests that are malformed in a particular way. */
const MALFORMED = [400, 408, 414, 417, 431];

/** Words of databases, stacks and paths. */
const INTERNAL =
  /SQLITE_|\bER_[A-Z]|\b(SELECT|INSERT|UPDATE|DELETE) .*\b(FROM|INTO|SET)\b|\n\s+at |node_modules|\.[jt]s:\d/;

/** Checks what every error body must have ("Error codes" in the contract), in both dialects. */
export function checkErrorBody(status: number, body: Json): void {
  const { code, field } = body as { code: ErrorCode; field?: string };
  const dialect = 'error' in body ? ['error'] : ['status', 'reason'];
  const expected = [...dialect, 'code', ...(field === undefined ? [] : ['field'])];
  expect(Object.keys(body).toSorted()).toEqual(expected.toSorted());
  expect(['string', 'undefined']).toContain(typeof field);
  const statuses: number[] = code === 'malformed_request' ? MALFORMED : [STATUS_OF[code]];
  if (code === 'token_missing') statuses.push(400);
  expect(statuses, JSON.stringify(body)).toContain(status);
  expect(JSON.stringify(body)).not.toMatch(INTERNAL);
  expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThanOrEqual(4096);
}
