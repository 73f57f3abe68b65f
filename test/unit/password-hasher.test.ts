import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { PasswordHasher } from '#src/common/password-hasher.js';
import { type HashingCost, Settings } from '#src/config/settings.js';
import { digest } from '../support/parley.js';

const CHEAP = { memoryCost: 8, timeCost: 1 };

function hasherAt(hashing: HashingCost): PasswordHasher {
  return new PasswordHasher(Object.assign(new Settings(), { hashing }));
}

const hasher = hasherAt(CHEAP);

test('knows the digest it has hashed, in either case, and no other', async () => {
  const stored = await hasher.hash(digest('secret'));
  expect(await hasher.verify(stored, digest('secret'))).toBe(true);
  expect(await hasher.verify(stored, digest('secret').toUpperCase())).toBe(true);
  expect(await hasher.verify(stored, digest('other'))).toBe(false);
});

test('hashes the upper-case digest as the lower-case one', async () => {
  const stored = await hasher.hash(digest('secret').toUpperCase());
  expect(await hasher.verify(stored, digest('secret'))).toBe(true);
});

test('salts: one digest has many hashes', async () => {
  expect(await hasher.hash(digest('secret'))).not.toBe(await hasher.hash(digest('secret')));
});

test('costs 19 MiB and 2 passes of argon2id unless a test says otherwise', async () => {
  const stored = await new PasswordHasher(new Settings()).hash(digest('secret'));
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
});

test.each(['', digest(''), digest('secret')])('without a stored hash %j is wrong', async (password) => {
  expect(await hasher.verify(undefined, password)).toBe(false);
});

test('runs no more at once than there are cores', async () => {
  let started = 0;
  const settings = new Settings();
  Object.defineProperty(settings, 'hashing', {
    get() {
      started += 1;
      return CHEAP;
    },
  });
  const counted = new PasswordHasher(settings);
  const hashes = Array.from({ length: 4 * availableParallelism() }, () => counted.hash(digest('secret')));
  // Microtasks alone: no hash of another thread can end before the event loop turns.
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
  expect(started).toBe(availableParallelism());
  await Promise.all(hashes);
  expect(started).toBe(4 * availableParallelism() + 1);
});
