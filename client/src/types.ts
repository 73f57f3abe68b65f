import type { components } from './api.js';

type Schemas = components['schemas'];

export type User = Schemas['User'];
export type Chat = Schemas['Chat'];
export type Message = Schemas['Message'];
export type ReadState = Schemas['ReadState'];
export type ErrorCode = Schemas['ErrorCode'];
export type Registration = Schemas['Register'];
export type ClientFrame = Schemas['ClientFrame'];
export type ServerFrame = Schemas['ServerFrame'];
export type StreamReady = Schemas['StreamReady'];
export type StreamClosed = Schemas['StreamClosed'];

/** Where a stream of events begins. `recovered: false` means that events may be missing before it. */
export type Ready = Schemas['ReadyFrame'];

/** What happens in a chat. */
export type LiveEvent = Schemas['Event'];

export type EventOf<T extends LiveEvent['type']> = Extract<LiveEvent, { type: T }>;

/** What a message that was sent has become. */
export type Sent = Pick<Schemas['Sent'], 'index' | 'timestamp'>;

/** A user who is logged in. */
export interface Session {
  token: string;
  user: User;
}
