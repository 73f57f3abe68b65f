// The success and error bodies of the Chat App API ("The API contract", table of families).
import type { ParleyError } from '../errors/errors.js';
import type { Page } from './paging.js';

export function success<T>(data?: T) {
  return { status: 'success', data };
}

/** Answers a list, or a page of it. */
export function successList<T>({ entries, next }: Page<T>) {
  return { status: 'success', data: entries, next };
}

export function failure(reason: string, { code, field }: ParleyError) {
  return { status: 'error', reason, code, field };
}
