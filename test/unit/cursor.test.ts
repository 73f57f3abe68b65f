import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  advance,
  type ChatProgress,
  cursorOf,
  cutCursor,
  decodeCursor,
  digestOf,
  encodeCursor,
  OVERLAP_US,
} from '#src/live/cursor.js';

const EPOCH = '0a1b2c3d';
const AT = 1_795_000_000_000_000;

const progress = fc.record({
  chatId: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  at: fc.oneof(fc.constant(0), fc.integer({ min: AT - 60_000_000, max: AT + 60_000_000 })),
  seq: fc.integer({ min: 0, max: 2 ** 40 }),
  readAt: fc.oneof(fc.constant(0), fc.integer({ min: AT - 60_000_000, max: AT })),
});
const activity = fc.uniqueArray(progress, { selector: ({ chatId }) => chatId, maxLength: 40 });

const chat = (chatId: number, at = AT): ChatProgress => ({ chatId, at, seq: 5, readAt: 0 });

test('a cursor is read as it was written, and has at most 512 characters', () => {
  fc.assert(
    fc.property(activity, (chats) => {
      const cursor = cursorOf(EPOCH, AT, chats);
      const text = encodeCursor(cursor);
      expect(text.length).toBeLessThanOrEqual(512);
      expect(text).toMatch(/^[\w.-]+$/);
      expect(decodeCursor(text)).toEqual(cursor);
    }),
  );
});

test('what is no cursor is not read', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 600 }), (text) => {
      const cursor = decodeCursor(text);
      if (cursor) expect(encodeCursor(cursor)).toBe(text);
    }),
  );
  const good = encodeCursor(cursorOf(EPOCH, AT, [chat(1)]));
  const bad = [
    '',
    '.',
    '..',
    EPOCH,
    `${good}.`,
    `${good}_1`,
    good.replace('_5_', '_05_'),
    `${good}.1_-z_-1_0`,
  ];
  for (const text of bad) expect(decodeCursor(text), text).toBeUndefined();
});

test('a cursor holds the chats that were active in its last 30 s, and a digest of those that do not fit', () => {
  const chats = Array.from({ length: 20 }, (_, n) => chat(n + 1, AT - n));
  const old = chat(99, AT - OVERLAP_US);
  const { known, digest } = cursorOf(EPOCH, AT, [old, ...chats.toReversed()]);
  expect(known.map(({ chatId }) => chatId)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(digest).toBe(digestOf(chats.slice(12)));
  expect(digest).not.toBe(digestOf([...chats.slice(13), chat(13, AT + 1)]));
  expect(cursorOf(EPOCH, AT, chats.slice(0, 12)).digest).toBe('');
});

test('the cursor of a cut answer goes on after its last event, once no earlier one can come', () => {
  const long = AT - 2 * OVERLAP_US;
  expect(cutCursor(EPOCH, AT, long, [chat(1, long)])).toEqual({
    epoch: EPOCH,
    at: long - 1 + OVERLAP_US,
    known: [chat(1, long)],
    digest: '',
  });
  expect(cutCursor(EPOCH, AT, AT - 5, [chat(1, AT - 5)])).toMatchObject({ at: AT, known: [chat(1, AT - 5)] });
});

test('a place advances with the events of its chat, and never goes back', () => {
  const places = new Map([[2, chat(2)]]);
  advance(places, { chatId: 2, at: AT + 5, seq: 6, readAt: 0 });
  advance(places, { chatId: 2, at: AT, seq: 5, readAt: 0 });
  // The event of a marker tells nothing of the messages.
  advance(places, { chatId: 2, at: 0, seq: 0, readAt: AT });
  expect(places.get(2)).toEqual({ chatId: 2, at: AT + 5, seq: 6, readAt: AT });
});
