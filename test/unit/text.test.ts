import { expect, test } from 'vitest';
import { countCodePoints, fold, isBlank, isStorable } from '#src/helpers/text.js';

test.each([
  ['alex', 'ALEX'],
  ['é', 'e\u0301'],
  ['é', 'E\u0301'],
  ['alex', 'ａｌｅｘ'],
  ['fi', 'ﬁ'],
  ['k', '\u212a'],
  ['5', '⁵'],
  ['ß', 'ẞ'],
  ['νίκος', 'ΝΊΚΟΣ'],
  ['i\u0307', 'İ'],
  ['가', '\u1100\u1161'],
])('%j and %j have the same folded form', (first, second) => {
  expect(fold(second)).toBe(fold(first));
});

test.each([
  ['e', 'é'],
  ['i', 'ı'],
  ['😀', '😁'],
  ['ss', 'ß'],
  ['か', 'が'],
  ['bob', 'bob '],
])('%j and %j have different folded forms', (first, second) => {
  expect(fold(second)).not.toBe(fold(first));
});

test('folding twice is folding once, for every character', () => {
  const unstable: string[] = [];
  for (let code = 0; code <= 0x10ffff; code += 1) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const folded = fold(String.fromCodePoint(code));
    if (fold(folded) !== folded) unstable.push(code.toString(16));
  }
  expect(unstable).toEqual([]);
});

test.each([
  ['', 0],
  ['alex', 4],
  ['😀😁', 2],
  ['e\u0301', 2],
  ['👨‍👩‍👧', 5],
  ['\ud800', 1],
])('%j has %i code points', (text, count) => {
  expect(countCodePoints(text)).toBe(count);
});

test.each(['', ' ', '\t\r\n\f\v', '\u00a0', '\u0085', '\u1680', '\u2003\u2028\u2029', '\u3000', '\ufeff'])(
  '%j is blank',
  (text) => {
    expect(isBlank(text)).toBe(true);
  },
);

test.each(['a', ' a ', '.', '\n0', '😀', '\u3000字'])('%j is not blank', (text) => {
  expect(isBlank(text)).toBe(false);
});

test.each(['', 'alex', '😀', 'e\u0301', '\u0001', '\uffff', '\u{10ffff}'])('%j can be stored', (text) => {
  expect(isStorable(text)).toBe(true);
});

test.each(['\0', 'a\0b', '\ud83d', '\ude00', 'a\ud83d', '\ude00\ud83d'])('%j cannot be stored', (text) => {
  expect(isStorable(text)).toBe(false);
});
