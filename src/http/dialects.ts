import type { FastifyRequest } from 'fastify';
import { failure } from './chat-dialect.js';
import type { ErrorResponse } from './error-response.js';

/** The routes of the Rooms API ("The API contract", table of families); every other URL is the Chat App API's. */
const ROOM_ROUTES =
  /^\/api\/(join_room|create_room|leave_room|rooms|user_rooms|room_members|send_room_message|get_room_messages)(?=[/?]|$)/;

/** `{"error":"…"}`, how the Rooms API words its errors; a token that is not good is always `unauthorized`. */
function roomFailure({ status, message }: ErrorResponse) {
  return { error: status === 401 ? 'unauthorized' : message };
}

/** The error's body in the dialect of the family that the URL belongs to, whether or not a route was found. */
export function errorBody(response: ErrorResponse, request: FastifyRequest): object {
  // The route, if there is one: the URL may spell it in other ways.
  const url = request.routeOptions.url ?? request.raw.url ?? '';
  return ROOM_ROUTES.test(url) ? roomFailure(response) : failure(response.message);
}
