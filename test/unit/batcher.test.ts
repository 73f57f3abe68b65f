import { expect, test } from 'vitest';
import { Batcher } from '#src/database/batcher.js';
import { DatabaseUnavailable } from '#src/database/driver-errors.js';

class Refused extends Error {}

/** A batcher whose batches are on record, each held up until it is let go. */
function recorded(refuses: (item: number) => Error | undefined = () => undefined) {
  const batches: number[][] = [];
  const gates: (() => void)[] = [];
  const batcher = new Batcher<number, string>(async (items) => {
    batches.push(items);
    await new Promise<void>((resolve) => gates.push(resolve));
    const refusal = items.map(refuses).find((error) => error !== undefined);
    if (refusal) throw refusal;
    return items.map(String);
  });
  /** Lets batches end until there are no more. */
  const finish = async () => {
    for (let idle = 0; idle < 5; idle += 1) {
      await new Promise(setImmediate);
      if (gates.length > 0) idle = 0;
      gates.shift()?.();
    }
  };
  return { batcher, batches, finish };
}

test('what comes in the same moment goes together, each with its own result', async () => {
  const { batcher, batches, finish } = recorded();
  const results = [1, 2, 3].map((item) => batcher.add(item));
  await finish();
  expect(await Promise.all(results)).toEqual(['1', '2', '3']);
  expect(batches).toEqual([[1, 2, 3]]);
});

test('what comes while a batch is under way is in the next one, never in that', async () => {
  const { batcher, batches, finish } = recorded();
  const first = batcher.add(1);
  await new Promise(setImmediate);
  expect(batches).toEqual([[1]]);
  const others = [2, 3].map((item) => batcher.add(item));
  await finish();
  expect(await Promise.all([first, ...others])).toEqual(['1', '2', '3']);
  expect(batches).toEqual([[1], [2, 3]]);
});

test('several wait for what keeps coming, one alone for nothing', async () => {
  const { batcher, batches, finish } = recorded();
  const results = [batcher.add(1), batcher.add(2)];
  for (const item of [3, 4]) {
    await new Promise(setImmediate);
    results.push(batcher.add(item));
  }
  await finish();
  results.push(batcher.add(5));
  await new Promise(setImmediate);
  expect(batches).toEqual([[1, 2, 3, 4], [5]]);
  await finish();
  await Promise.all(results);
});

test('a batch has 128 items at most', async () => {
  const { batcher, batches, finish } = recorded();
  const results = Array.from({ length: 300 }, (_, item) => batcher.add(item));
  await finish();
  expect(await Promise.all(results)).toHaveLength(300);
  expect(batches.map(({ length }) => length)).toEqual([128, 128, 44]);
});

test('an item that is refused does not take the others along', async () => {
  const { batcher, finish } = recorded((item) => (item === 2 ? new Refused() : undefined));
  const results = Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
  await finish();
  expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('a database that is away is asked once for all', async () => {
  const { batcher, batches, finish } = recorded(() => new DatabaseUnavailable());
  const results = Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
  await finish();
  expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(batches).toHaveLength(1);
});

test('an error among the results is the error of its item alone, and the next batch goes on', async () => {
  const batcher = new Batcher<number, string>(async (items) =>
    items.map((item) => (item === 2 ? new Refused('two') : String(item))),
  );
  const [one, two] = [batcher.add(1), batcher.add(2)];
  await expect(two).rejects.toThrow('two');
  expect(await one).toBe('1');
  expect(await batcher.add(3)).toBe('3');
});
