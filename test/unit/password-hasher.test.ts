import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, platform } from 'node:os';
import { expect, test, vi } from 'vitest';
import { hashingThreads, PasswordHasher } from '#src/passwords/password-hasher.js';
import { type HashingCost, Settings } from '#src/config/settings.js';
import { digest } from '../support/parley.js';
import { until } from '../support/until.js';

const CHEAP = { memoryCost: 8, timeCost: 1 };

function hasherAt(hashing: HashingCost): PasswordHasher {
  return new PasswordHasher(Object.assign(new Settings(), { hashing }));
}

const hasher = hasherAt(CHEAP);

test('verifies the hashed digest in either case, and no other', async () => {
  const stored = await hasher.hash(digest('secret'));
  expect(await hasher.verify(stored, digest('secret'))).toBe(true);
  expect(await hasher.verify(stored, digest('secret').toUpperCase())).toBe(true);
  expect(await hasher.verify(stored, digest('other'))).toBe(false);
});

test('hashes the upper-case digest as the lower-case one', async () => {
  const stored = await hasher.hash(digest('secret').toUpperCase());
  expect(await hasher.verify(stored, digest('secret'))).toBe(true);
});

test('salts each hash', async () => {
  expect(await hasher.hash(digest('secret'))).not.toBe(await hasher.hash(digest('secret')));
});

test('hashes by default with argon2id, 19 MiB and 2 passes', async () => {
  const stored = await new PasswordHasher(new Settings()).hash(digest('secret'));
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
});

test.each(['', digest(''), digest('secret')])('rejects %j without a stored hash', async (password) => {
  expect(await hasher.verify(undefined, password)).toBe(false);
});

test('returns the result of each of many concurrent jobs, also when others fail', async () => {
  const stored = await Promise.all(
    Array.from({ length: 40 }, (_, index) => hasher.hashSecret(`secret ${index}`)),
  );
  const outcomes = await Promise.allSettled(
    stored.map((hash, index) => {
      if (index % 3 === 0) return hasher.verifySecret('no hash', `secret ${index}`);
      return hasher.verifySecret(hash, index % 3 === 1 ? `secret ${index}` : 'another');
    }),
  );
  expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'failed'))).toEqual(
    stored.map((_, index) => ['failed', true, false][index % 3]),
  );
});

test('queues known and unknown users in the order of their requests', async () => {
  const stored = await hasher.hash(digest('secret'));
  const run = vi.spyOn(hashingThreads, 'run');
  const kinds = [undefined, stored, undefined, stored, stored, undefined];
  await Promise.all(kinds.map((hash, index) => hasher.verify(hash, digest(String(index)))));
  const hashed = run.mock.calls.flatMap(([jobs]) => jobs.map(({ secret }) => secret));
  run.mockRestore();
  expect(hashed).toEqual(kinds.map((_, index) => digest(String(index))));
});

test('hashes in one thread per processor, and in at most 4', async () => {
  await Promise.all(Array.from({ length: 64 }, () => hasher.hashSecret('secret')));
  expect(hashingThreads.threads.length).toBe(Math.min(availableParallelism(), 4));
});

test.runIf(platform() === 'linux')('runs its threads with a low priority', async () => {
  await hasher.hashSecret('secret');
  const niceness = (id: string) => readFileSync(`/proc/self/task/${id}/stat`, 'utf8').split(' ').at(18);
  const countNice = () => readdirSync('/proc/self/task').filter((id) => niceness(id) === '10').length;
  // A thread sets its priority while it starts.
  await until('all threads', () => countNice() === hashingThreads.threads.length || undefined);
  expect(niceness(String(process.pid))).toBe('0');
});

test('refuses a job at once while 256 wait for a thread, and then takes jobs again', async () => {
  await hasher.hashSecret('secret');
  const busy = Array.from({ length: hashingThreads.options.maxThreads + 256 }, () => hasher.hashSecret('a'));
  await expect(hasher.hashSecret('b')).rejects.toMatchObject({ code: 'unavailable', retryAfter: 1 });
  await Promise.all(busy);
  expect(await hasher.hashSecret('b')).toMatch(/^\$argon2id/);
});
