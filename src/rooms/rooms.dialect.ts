import type { Type } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { ParleyError } from '../errors/errors.js';
import type { Dialect } from '../http/dialects.js';
import { limitExceeded } from '../limits/limit-errors.js';
import { documentErrors } from '../http/openapi.js';
import { databaseUnavailable } from '../http/error-response.js';
import { tokenMissing, tokenRevoked } from '../tokens/token-errors.js';
import { RoomErrorDto } from './dto/rooms.dto.js';

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
  errorBody: (reason, { status, code, field }) => ({
    error: status === 401 ? 'unauthorized' : reason,
    code,
    field,
  }),
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

/** Documents the errors of a route of the Rooms API. `errors` may have a route's own error about a missing token. */
export function ApiRoomErrors(...errors: ParleyError[]): MethodDecorator {
  const missing = errors.some(({ code }) => code === 'token_missing') ? [] : [tokenMissing()];
  const all = [...missing, tokenRevoked(), limitExceeded('call', 1), ...errors, databaseUnavailable()];
  return documentErrors(all, RoomErrorDto, (error) => roomsDialect.errorBody(error.message, error));
}
