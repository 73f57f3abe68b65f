import { expect } from 'vitest';
import type { Answer } from './parley.js';
import type { RawAnswer } from './raw-http.js';

const REASON = { status: 'error', reason: expect.stringMatching(/\S/) };

/** The reason of an answer that must be an error in the dialect of the Chat App API. */
export function expectFailure({ status, headers, body }: Answer, statuses: number | number[]): string {
  expect([statuses].flat(), JSON.stringify(body)).toContain(status);
  expect(headers.get('content-type')).toMatch(/^application\/json; charset=utf-8$/i);
  expect(body).toEqual(REASON);
  return body.reason;
}

/** As {@link expectFailure}, for an answer off a bare socket. */
export function expectRawFailure(answer: RawAnswer | undefined, statuses: number | number[]): string {
  const { status = 0, headers = {}, body = '' } = answer ?? {};
  expect([statuses].flat(), body).toContain(status);
  expect(headers['content-type']).toMatch(/^application\/json; charset=utf-8$/i);
  expect(JSON.parse(body)).toEqual(REASON);
  return JSON.parse(body).reason;
}
