// The success and error bodies of the Chat App API ("The API contract", table of families).

export function success<T>(data?: T) {
  return { status: 'success', data };
}

export function failure(reason: string) {
  return { status: 'error', reason };
}
