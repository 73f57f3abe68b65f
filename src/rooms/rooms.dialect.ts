import type { Dialect } from '../http/dialects.js';

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
