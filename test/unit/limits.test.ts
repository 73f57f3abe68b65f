import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LIMITS } from '#src/limits/limits.js';

test('the table of SECURITY.md has every limit, and no other', () => {
  const text = readFileSync(join(import.meta.dirname, '../../SECURITY.md'), 'utf8');
  const rows = text.matchAll(/^\| `([\w-]+)` +\| (.+?) +\| (.+?) +\| (\d+) +\| (\d+) +\|$/gm);
  const told = Array.from(rows, ([, name, what, countedBy, max, seconds]) => [
    name,
    { what, countedBy, max: Number(max), seconds: Number(seconds) },
  ]);
  const limits = Object.entries(LIMITS).map(([name, { what, countedBy, max, seconds }]) => [
    name,
    { what, countedBy, max, seconds },
  ]);
  expect(told).toEqual(limits);
});
