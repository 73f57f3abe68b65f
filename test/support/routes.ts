/** The routes of the contract's tables. The tests of the document and of the guard, and the fuzzer use this list. */

export type TokenKind = 'none' | 'ApiKey' | 'ResetPasswordToken' | 'EmailVerificationToken';

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With parameters in braces, as in the document. */
  path: string;
  tag: string;
  token: TokenKind;
  /** The statuses of the contract's tables; 413, 429, 500 and 503 are possible everywhere. */
  statuses: number[];
}

const CHAT = '/api/chats/{chat}';
const MESSAGES = `${CHAT}/messages`;
const MESSAGE = `${MESSAGES}/{message}`;

export const ROUTES: Route[] = [
  ...routes('authentication', [
    ['POST', '/api/auth/login', 'none', [200, 400, 401, 403]],
    ['GET', '/api/auth/logout', 'ApiKey', [200, 401]],
    ['GET', '/api/auth/forgot-password', 'none', [200, 400]],
    ['POST', '/api/auth/resend-verification', 'none', [200, 400]],
    ['POST', '/api/auth/reset-password', 'ResetPasswordToken', [200, 400, 401]],
    ['GET', '/api/auth/verify-email', 'EmailVerificationToken', [200, 400, 401]],
  ]),
  ...routes('users', [
    ['POST', '/api/users', 'none', [200, 400, 403, 409]],
    ['GET', '/api/users', 'ApiKey', [200, 400, 401]],
    ['GET', '/api/users/{user}', 'ApiKey', [200, 400, 401]],
    ['PUT', '/api/users/{user}', 'ApiKey', [200, 400, 401, 403, 409]],
    ['DELETE', '/api/users/{user}', 'ApiKey', [200, 400, 401, 403]],
  ]),
  ...routes('chats', [
    ['GET', '/api/chats', 'ApiKey', [200, 400, 401]],
    ['POST', '/api/chats', 'ApiKey', [200, 400, 401, 422]],
    ['GET', CHAT, 'ApiKey', [200, 400, 401, 403]],
    ['PUT', CHAT, 'ApiKey', [200, 400, 401, 403]],
    ['DELETE', CHAT, 'ApiKey', [200, 400, 401, 403]],
    ['GET', `${CHAT}/users`, 'ApiKey', [200, 400, 401, 403]],
    ['PUT', `${CHAT}/read`, 'ApiKey', [200, 400, 401, 403]],
  ]),
  ...routes('live', [
    ['GET', '/api/events', 'ApiKey', [200, 400, 401]],
    ['POST', `${CHAT}/typing`, 'ApiKey', [200, 400, 401, 403]],
  ]),
  ...routes('messages', [
    ['GET', MESSAGES, 'ApiKey', [200, 400, 401, 403]],
    ['POST', MESSAGES, 'ApiKey', [200, 400, 401, 403, 422]],
    ['GET', MESSAGE, 'ApiKey', [200, 400, 401, 403]],
    ['PUT', MESSAGE, 'ApiKey', [200, 400, 401, 403]],
    ['DELETE', MESSAGE, 'ApiKey', [200, 400, 401, 403]],
  ]),
  ...routes('health', [
    ['GET', '/api/health/live', 'none', [200, 400]],
    ['GET', '/api/health/ready', 'none', [200, 400]],
  ]),
];

export const ROUTES_WITH_BODY = ROUTES.filter(
  ({ method, path }) => (method === 'POST' || method === 'PUT') && !path.endsWith('/typing'),
);

/** The routes of files and rooms, which have their own tests. */
export const FILE_AND_ROOM_ROUTES = [
  'GET /api/files/{file}',
  'POST /api/files/{file}',
  'POST /api/join_room',
  'POST /api/create_room',
  'POST /api/leave_room',
  'GET /api/rooms',
  'GET /api/user_rooms',
  'GET /api/room_members/{room_id}',
  'POST /api/send_room_message',
  'GET /api/get_room_messages',
];

type Row = [Route['method'], string, TokenKind, number[]];

function routes(tag: string, rows: Row[]): Route[] {
  return rows.map(([method, path, token, statuses]) => ({ method, path, tag, token, statuses }));
}

/** Replaces each parameter of a path by a valid value to which nothing belongs. */
export function wellFormed(path: string): string {
  return path
    .replace('{chat}', '3e17b51b-01db-4b20-b1f5-95fd054376b7')
    .replace('{message}', '0')
    .replace('{room_id}', '1')
    .replace('{file}', '7c9e6679-7425-40de-944b-e07fc1f90ae7')
    .replaceAll(/\{\w+\}/g, 'nobody');
}
