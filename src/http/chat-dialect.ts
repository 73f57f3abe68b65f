/** How the Chat App API words its answers ("The API contract", table of families). */

/** Returns `{"status":"success"}`, with `data` if there is any. */
export function success<T>(data?: T) {
  return { status: 'success', data };
}

/** Returns `{"status":"error","reason":"…"}`. */
export function failure(reason: string) {
  return { status: 'error', reason };
}
