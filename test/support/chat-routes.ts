import type { RequestOptions } from './parley.js';

export interface ChatRoute {
  method: string;
  /** The path behind `/api/chats/{chat}`. */
  path: string;
  /** A valid body, if the route takes one. */
  json?: unknown;
}

/** Every route inside a chat. The chat must have a message with index 0. */
export const CHAT_ROUTES: ChatRoute[] = [
  { method: 'GET', path: '' },
  { method: 'PUT', path: '', json: { name: 'New Name' } },
  { method: 'DELETE', path: '' },
  { method: 'GET', path: '/users' },
  { method: 'PUT', path: '/read', json: { index: 0 } },
  { method: 'GET', path: '/messages' },
  { method: 'POST', path: '/messages', json: { type: 'message', message: 'text' } },
  { method: 'GET', path: '/messages/0' },
  { method: 'PUT', path: '/messages/0', json: { message: 'other text' } },
  { method: 'DELETE', path: '/messages/0' },
];

const JSON_TYPE = { 'content-type': 'application/json' };

/** Bodies that are invalid for every route. */
export const BAD_BODIES: Record<string, RequestOptions> = {
  'a body that is not JSON': { raw: '{', headers: JSON_TYPE },
  'a body of another type': { raw: 'name=x', headers: { 'content-type': 'text/plain' } },
  'a body that is not UTF-8': { raw: new Uint8Array([0x22, 0xff, 0x22]), headers: JSON_TYPE },
  'a body that is not an object': { json: [] },
  'a body of wrong types': { json: { name: 5, mode: 5, type: 5, message: 5 } },
  'a body without fields': { json: {} },
};
