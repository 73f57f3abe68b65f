import { createHash } from 'node:crypto';
import type { LogPosition } from '../changes/change-log.js';
import { SECOND_US } from '../helpers/clock.js';

/** Bounds the delay of a delivery plus the difference between the clocks of two instances. */
export const OVERLAP_US = 30 * SECOND_US;

/** With more, an id could exceed 512 characters. */
const MAX_KNOWN_CHATS = 12;

const MAX_LENGTH = 512;

/** Up to where a client has got the events of one chat. */
export interface ChatProgress extends LogPosition {
  chatId: number;
  /** When the user last marked messages as read, as far as the client knows. 0 stands for long ago. */
  readAt: number;
}

/** Up to where a client has got its events. */
export interface Cursor {
  epoch: string;
  /** The client has got every event until OVERLAP_US before this time. In microseconds. */
  at: number;
  /** Chats of which the client has got later events. */
  known: ChatProgress[];
  /** Digest of the positions of the other chats that were active since then. While it is unchanged, they have no new events. */
  digest: string;
}

/** Makes the cursor of a client whose positions in all chats that were active shortly before `at` are known. */
export function cursorOf(epoch: string, at: number, positions: Iterable<ChatProgress>): Cursor {
  const start = at - OVERLAP_US;
  const latestFirst = Array.from(positions, (position) => ({
    ...position,
    readAt: position.readAt > start ? position.readAt : 0,
  }))
    .filter((position) => position.at > start || position.readAt > start)
    .toSorted((a, b) => b.at - a.at);
  const known = latestFirst.slice(0, MAX_KNOWN_CHATS);
  return { epoch, at, known, digest: digestOf(latestFirst.slice(MAX_KNOWN_CHATS)) };
}

/**
 * Makes the cursor of an answer that was cut. `readAt` is when the histories were read, `sentUntil` the time of the last event in
 * the answer, and `positions` those of the chats with events in the answer.
 */
export function cutCursor(
  epoch: string,
  readAt: number,
  sentUntil: number,
  positions: Iterable<ChatProgress>,
): Cursor {
  // The answer may lack an event of another chat with the same time as its last event.
  const at = Math.min(readAt, sentUntil - 1 + OVERLAP_US);
  return { ...cursorOf(epoch, at, positions), digest: '' };
}

/** Moves the position of a chat behind an event that the client gets. */
export function advance(positions: Map<number, ChatProgress>, { chatId, ...event }: ChatProgress): void {
  const { at, seq, readAt } = positions.get(chatId) ?? { at: 0, seq: 0, readAt: 0 };
  positions.set(chatId, {
    chatId,
    at: Math.max(at, event.at),
    seq: Math.max(seq, event.seq),
    readAt: Math.max(readAt, event.readAt),
  });
}

/** Returns '' for no chats. */
export function digestOf(chats: ChatProgress[]): string {
  if (chats.length === 0) return '';
  const lines = chats.map(({ chatId, at, readAt }) => `${chatId} ${at} ${readAt}`).toSorted();
  return createHash('sha256').update(lines.join()).digest('hex').slice(0, 16);
}

/** The times of chats are written relative to the cursor's. */
export function encodeCursor({ epoch, at, known, digest }: Cursor): string {
  const chats = known.map((chat) =>
    [chat.chatId, chat.at - at, chat.seq, chat.readAt].map((number) => number.toString(36)).join('_'),
  );
  return [epoch, at.toString(36), digest, ...chats].join('.');
}

const NUMBER = /^-?(0|[1-9a-z][0-9a-z]*)$/;

function decodeNumber(text: string | undefined): number {
  const value = text !== undefined && NUMBER.test(text) ? parseInt(text, 36) : NaN;
  return Number.isSafeInteger(value) ? value : NaN;
}

/** Returns undefined for what is no cursor. */
export function decodeCursor(text: string): Cursor | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [epoch, time, digest, ...chats] = text.split('.');
  const at = decodeNumber(time);
  const known = chats.map((chat) => {
    const numbers = chat.split('_').map(decodeNumber);
    const [chatId, offset, seq, readAt] = numbers;
    return numbers.length === 4 ? { chatId, at: at + offset, seq, readAt } : undefined;
  });
  const numbers = known.flatMap((chat) => (chat ? Object.values(chat) : [NaN]));
  const isValid = digest !== undefined && [at, ...numbers].every((number) => number >= 0);
  return isValid ? { epoch, at, known: known.filter((chat) => chat !== undefined), digest } : undefined;
}
