/** How the Chat App API words its answers ("The API contract", table of families). */

export interface Success {
  status: 'success';
}

export interface SuccessWith<T> extends Success {
  data: T;
}

export interface Failure {
  status: 'error';
  reason: string;
}

/** `{"status":"success"}`, with `data` where there is any. */
export function success(): Success;
export function success<T>(data: T): SuccessWith<T>;
export function success<T>(data?: T): Success | SuccessWith<T> {
  return data === undefined ? { status: 'success' } : { status: 'success', data };
}

/** `{"status":"error","reason":"…"}` */
export function failure(reason: string): Failure {
  return { status: 'error', reason };
}
