import { expect, test } from 'vitest';
import { editDistance } from '#src/users/user-search.js';

test.each([
  ['', '', 0],
  ['', 'alex', 4],
  ['alex', 'alex', 0],
  ['alex', 'aelx', 1],
  ['alex', 'alxe', 1],
  ['alex', 'laex', 1],
  ['alex', 'ale', 1],
  ['alex', 'lex', 1],
  ['alex', 'alexx', 1],
  ['alex', 'alix', 1],
  ['alex', 'laxe', 2],
  ['alex', 'sam', 4],
  ['ca', 'abc', 3],
  ['kitten', 'sitting', 3],
  ['a😀b', 'ab', 1],
  ['😀', '😁', 1],
  ['😀😁', '😁😀', 1],
])('%j and %j are %i edits apart, in both directions', (from, to, edits) => {
  expect(editDistance(from, to)).toBe(edits);
  expect(editDistance(to, from)).toBe(edits);
});
