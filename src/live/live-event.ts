import type { ChatProgress } from './cursor.js';

export const EVENT_TYPES = [
  'message.created',
  'message.updated',
  'message.deleted',
  'chat.added',
  'chat.updated',
  'chat.removed',
  'member.added',
  'member.removed',
  'chat.read',
  'chat.limited',
  'typing',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

export interface ChatRef {
  id: number;
  uuid: string;
}

interface Content {
  type: EventType;
  chat: ChatRef;
  data: object;
  /** How far a client is after the event. Undefined for events that are never stored. */
  progress?: ChatProgress;
  id?: string;
}

/** An event as clients get it. It is encoded once for all of them. */
export class LiveEvent {
  readonly type: EventType;
  readonly chat: ChatRef;
  readonly progress?: ChatProgress;
  readonly id?: string;
  /** What a poll answers. */
  readonly body: object;
  private json?: string;
  private encodedSse?: Buffer;
  private encodedFrame?: Buffer;

  constructor({ type, chat, data, progress, id }: Content) {
    this.type = type;
    this.chat = chat;
    this.progress = progress;
    this.id = id;
    this.body = { id, type, chat: chat.uuid, data };
  }

  /** Whether the event is part of histories that were read up to these ends. */
  isBefore(ends: ReadonlyMap<number, ChatProgress> | undefined): boolean {
    const end = ends?.get(this.chat.id);
    // A marker moves outside of the history.
    return Boolean(end && this.progress && this.type !== 'chat.read' && this.progress.at <= end.at);
  }

  get text(): string {
    this.json ??= JSON.stringify(this.body);
    return this.json;
  }

  get sse(): Buffer {
    this.encodedSse ??= encodeSse({ id: this.id, event: this.type, data: this.text });
    return this.encodedSse;
  }

  get frame(): Buffer {
    this.encodedFrame ??= encodeFrame(this.text);
    return this.encodedFrame;
  }
}

export function encodeSse(fields: { id?: string; event: string; retry?: number; data: string }): Buffer {
  const lines = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Buffer.from(`${lines.map(([name, value]) => `${name}: ${value}\n`).join('')}\n`);
}

const FINAL_TEXT = 0x81;

/** Encodes a WebSocket frame of a server, which is the same for all clients because it is not masked. */
export function encodeFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([FINAL_TEXT, length]), payload]);
  const header = Buffer.alloc(length < 65_536 ? 4 : 10);
  header[0] = FINAL_TEXT;
  if (length < 65_536) {
    header[1] = 126;
    header.writeUInt16BE(length, 2);
  } else {
    header[1] = 127;
    header.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([header, payload]);
}
