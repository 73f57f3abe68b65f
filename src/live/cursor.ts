import { createHash } from 'node:crypto';
import type { LogPosition } from '../changes/change-log.js';

/** The longest time from an event until it is told, with the differences between the clocks of instances. */
export const OVERLAP_US = 30_000_000;

/** With more, an id could exceed 512 characters. */
const MAX_KNOWN_CHATS = 12;

const MAX_LENGTH = 512;

/** How much of one chat a client has been told. */
export interface ChatProgress extends LogPosition {
  chatId: number;
  /** When the user last marked messages as read, as far as the client knows. 0 stands for long ago. */
  readAt: number;
}

/** How much a client has been told. */
export interface Cursor {
  epoch: string;
  /** Everything until OVERLAP_US before this time has been told. In microseconds. */
  at: number;
  /** Chats of which later events have been told, too. */
  known: ChatProgress[];
  /** Stands for the other chats that were active since then. While it stays the same, nothing in them is new. */
  digest: string;
}

/** Makes the cursor of a client that is at these places in all chats that were active shortly before `at`. */
export function cursorOf(epoch: string, at: number, places: Iterable<ChatProgress>): Cursor {
  const start = at - OVERLAP_US;
  const latestFirst = Array.from(places, (place) => ({
    ...place,
    readAt: place.readAt > start ? place.readAt : 0,
  }))
    .filter((place) => place.at > start || place.readAt > start)
    .toSorted((a, b) => b.at - a.at);
  const known = latestFirst.slice(0, MAX_KNOWN_CHATS);
  return { epoch, at, known, digest: digestOf(latestFirst.slice(MAX_KNOWN_CHATS)) };
}

/**
 * Makes the cursor of a client that has been told everything until `toldUntil`, but not everything until `readAt`. `places`
 * tells where the client is in the chats of which it has been told something; in others it goes on from the time.
 */
export function cutCursor(
  epoch: string,
  readAt: number,
  toldUntil: number,
  places: Iterable<ChatProgress>,
): Cursor {
  // Another chat may have an event of the same time.
  const at = Math.min(readAt, toldUntil - 1 + OVERLAP_US);
  return { ...cursorOf(epoch, at, places), digest: '' };
}

/** Sets the place of a chat after an event that has been told. */
export function advance(places: Map<number, ChatProgress>, { chatId, ...event }: ChatProgress): void {
  const { at, seq, readAt } = places.get(chatId) ?? { at: 0, seq: 0, readAt: 0 };
  places.set(chatId, {
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
