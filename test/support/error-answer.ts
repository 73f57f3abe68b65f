import { expect } from 'vitest';
import type { Answer } from './parley.js';

/** Returns what `expect(answer).toEqual(…)` takes for an error in the Chat App API's dialect. */
export function errorAnswer(status: number, reason?: string | RegExp): Answer {
  const words: unknown = typeof reason === 'string' ? reason : expect.stringMatching(reason ?? /^[^\n]+$/);
  const body = expect.objectContaining({ status: 'error', reason: words }) as unknown;
  return { status, headers: expect.anything() as Headers, body };
}

export const NOT_A_MEMBER = errorAnswer(403, 'user is not part of specified chat');
export const UNKNOWN_CHAT = errorAnswer(400, 'specified chat does not exist');
export const UNKNOWN_MESSAGE = errorAnswer(400, 'specified message does not exist');
