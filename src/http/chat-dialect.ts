// The success and error bodies of the Chat App API.
import type { ParleyError } from '../errors/errors.js';
import type { Page } from './paging.js';

export function success<T>(data?: T) {
  return { status: 'success', data };
}

/** Returns the body of an answer with a list, or with a page of a list. */
export function successList<T>({ entries, next }: Page<T>) {
  return { status: 'success', data: entries, next };
}

export function failure(reason: string, { code, field }: ParleyError) {
  return { status: 'error', reason, code, field };
}
