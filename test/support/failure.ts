import { expect } from 'vitest';
import { checkErrorBody } from './error-body.js';
import type { Answer } from './parley.js';
import type { RawAnswer } from './raw-http.js';

const REASON = expect.objectContaining({ status: 'error', reason: expect.stringMatching(/\S/) });

/** Expects an error in the Chat App API's dialect with one of the statuses; returns its reason. */
export function expectFailure({ status, headers, body }: Answer, statuses: number | number[]): string {
  expect([statuses].flat(), JSON.stringify(body)).toContain(status);
  expect(headers.get('content-type')).toMatch(/^application\/json; charset=utf-8$/i);
  expect(body).toEqual(REASON);
  return body.reason;
}

/** As {@link expectFailure}, for an answer from {@link exchange}. */
export function expectRawFailure(answer: RawAnswer | undefined, statuses: number | number[]): string {
  const { status = 0, headers = {}, body = '' } = answer ?? {};
  expect([statuses].flat(), body).toContain(status);
  expect(headers['content-type']).toMatch(/^application\/json; charset=utf-8$/i);
  expect(headers['x-request-id']).toMatch(/^[\w-]{36}$/);
  checkErrorBody(status, JSON.parse(body));
  expect(JSON.parse(body)).toEqual(REASON);
  return JSON.parse(body).reason;
}
