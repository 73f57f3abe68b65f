// The success and error bodies of the Chat App API ("The API contract", table of families).
import type { ParleyError } from '../errors/errors.js';

export function success<T>(data?: T) {
  return { status: 'success', data };
}

export function failure(reason: string, { code, field }: ParleyError) {
  return { status: 'error', reason, code, field };
}
