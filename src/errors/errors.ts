/** The closed list of error codes, with the status of each. */
export const STATUS_OF = {
  /** Also answered with 408, 414, 417 and 431, which HTTP has for some such requests. */
  malformed_request: 400,
  invalid_field: 400,
  user_not_found: 400,
  chat_not_found: 400,
  message_not_found: 400,
  file_not_found: 400,
  file_not_uploaded: 400,
  already_a_member: 400,
  not_in_chat: 400,
  link_used: 400,
  link_expired: 400,
  not_an_image: 400,
  room_exists: 400,
  /** 400 at `join_room`, as the reference says. */
  token_missing: 401,
  token_invalid: 401,
  wrong_credentials: 401,
  email_not_verified: 403,
  not_a_member: 403,
  not_allowed: 403,
  password_required: 403,
  wrong_password: 403,
  registration_closed: 403,
  route_not_found: 404,
  room_not_found: 404,
  method_not_allowed: 405,
  username_taken: 409,
  email_taken: 409,
  too_large: 413,
  range_not_satisfiable: 416,
  idempotency_conflict: 422,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
  storage_full: 507,
} as const;

export type ErrorCode = keyof typeof STATUS_OF;

export const ERROR_CODES = Object.keys(STATUS_OF) as ErrorCode[];

interface ErrorDetails {
  /** The field or parameter at fault, if it is one alone. */
  field?: string;
  /** Where a route answers another status than the code's own. */
  status?: number;
  /** In seconds. */
  retryAfter?: number;
}

/** An error that the caller gets. Programs decide by `code`; `message` is for people. */
export class ParleyError extends Error {
  readonly status: number;
  readonly field?: string;
  readonly retryAfter?: number;

  constructor(
    readonly code: ErrorCode,
    message: string,
    { field, retryAfter, status = STATUS_OF[code] }: ErrorDetails = {},
  ) {
    super(message);
    this.status = status;
    this.field = field;
    this.retryAfter = retryAfter ?? (code === 'unavailable' ? 1 : undefined);
  }
}

/** Refuses work that would only wait. */
export const tooMuchUnderWay = () =>
  new ParleyError('unavailable', 'too many requests are under way, try again later');

type InputKind = 'field' | 'query parameter' | 'path parameter' | 'form field' | 'header';

/** Returns the error about one field or parameter: `invalidInput('field', 'name', 'must be a string')`. */
export function invalidInput(kind: InputKind, field: string, problem: string): ParleyError {
  return new ParleyError('invalid_field', `${kind} '${field}' ${problem}`, { field });
}
