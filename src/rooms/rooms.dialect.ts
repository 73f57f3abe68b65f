import type { Type } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { Dialect } from '../http/dialects.js';
import { documentErrors } from '../http/openapi.js';

/** The Rooms API answers `{"error":"…"}`; each rejected token is `unauthorized`, whatever the reason. */
export const roomsDialect: Dialect = {
  paths: [
    '/api/join_room',
    '/api/create_room',
    '/api/leave_room',
    '/api/rooms',
    '/api/user_rooms',
    '/api/room_members',
    '/api/send_room_message',
    '/api/get_room_messages',
  ],
  errorBody: ({ status, message }) => ({ error: status === 401 ? 'unauthorized' : message }),
};

/** Documents a success of the Rooms API, which has no envelope. */
export function ApiRoomAnswer(
  status: 200 | 201,
  description: string,
  Model: Type,
  example: object,
): MethodDecorator {
  return ApiResponse({ status, description, type: Model, example });
}

/** Documents the error statuses of a route of the Rooms API. Each route has the same 401. */
export function ApiRoomErrors(
  reasons: Partial<Record<400 | 403 | 404 | 413 | 429, string>>,
): MethodDecorator {
  return documentErrors({ ...reasons, 401: 'unauthorized' }, (error) => ({
    type: 'object',
    required: ['error'],
    properties: { error: { type: 'string' } },
    example: { error },
  }));
}
