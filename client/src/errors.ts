import type { ErrorCode } from './types.js';

interface Details {
  status: number;
  field?: string | undefined;
  retryAfter?: number | undefined;
  cause?: unknown;
}

/** Why a call failed. Decide by `code`; `message` is for people. */
export class ParleyError extends Error {
  override readonly name = 'ParleyError';
  readonly code: ErrorCode;
  /** Of the answer; 0 if there was none. */
  readonly status: number;
  /** The field or parameter at fault, if it is one alone. */
  readonly field: string | undefined;
  /** When to try again, in seconds. */
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, { status, field, retryAfter, cause }: Details) {
    super(message, { cause });
    this.code = code;
    this.status = status;
    this.field = field;
    this.retryAfter = retryAfter;
  }
}

/** Whether the server has answered that it will not do this. Anything else may succeed later. */
export function isRefusal(error: unknown): error is ParleyError {
  if (!(error instanceof ParleyError)) return false;
  const { status } = error;
  return status >= 400 && status < 500 && status !== 408 && status !== 429 && !isUnauthorized(error);
}

/** Whether the user has no access to the chat any more. */
export function isChatGone(error: unknown): boolean {
  return error instanceof ParleyError && (error.code === 'chat_not_found' || error.code === 'not_a_member');
}

/** Whether the token is the reason, so that no call will succeed before the next login. */
export function isUnauthorized(error: unknown): error is ParleyError {
  return error instanceof ParleyError && error.status === 401 && error.code !== 'wrong_credentials';
}

export function unreachable(cause: unknown): ParleyError {
  return new ParleyError('unavailable', 'the server cannot be reached', { status: 0, cause });
}

export function notLoggedIn(): ParleyError {
  return new ParleyError('token_missing', 'nobody is logged in', { status: 401 });
}

export function tokenRefused(): ParleyError {
  return new ParleyError('token_invalid', 'invalid token', { status: 401 });
}

/** Codes for answers of proxies, which send none. */
const CODE_OF_STATUS: Record<number, ErrorCode | undefined> = {
  401: 'token_invalid',
  403: 'not_allowed',
  404: 'route_not_found',
  405: 'method_not_allowed',
  413: 'too_large',
  429: 'rate_limited',
};

/** Makes the error of an answer in either dialect, or of a proxy. */
export function errorOfAnswer(status: number, text: string, retryAfter: string | null): ParleyError {
  const { code, field, reason, error } = parse(text);
  const known = code ?? CODE_OF_STATUS[status] ?? (status < 500 ? 'malformed_request' : 'unavailable');
  const seconds = Number(retryAfter ?? Number.NaN);
  return new ParleyError(known, reason ?? error ?? `the server answered ${status}`, {
    status,
    field,
    retryAfter: Number.isNaN(seconds) ? undefined : seconds,
  });
}

interface ErrorBody {
  code?: ErrorCode;
  field?: string;
  /** In the first dialect. */
  reason?: string;
  /** In the dialect of rooms. */
  error?: string;
}

function parse(text: string): ErrorBody {
  try {
    return (JSON.parse(text) ?? {}) as ErrorBody;
  } catch {
    return {};
  }
}
