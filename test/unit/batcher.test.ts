import { expect, test } from 'vitest';
import { Batcher } from '#src/database/batcher.js';
import { DatabaseUnavailable } from '#src/database/driver-errors.js';

class Refused extends Error {}

/** Creates a batcher that records its batches. Each batch waits until `finish` releases it. */
function createRecordingBatcher(refuses: (item: number) => Error | undefined = () => undefined) {
  const batches: number[][] = [];
  const gates: (() => void)[] = [];
  const batcher = new Batcher<number, string>(async (items) => {
    batches.push(items);
    await new Promise<void>((resolve) => gates.push(resolve));
    const refusal = items.map(refuses).find((error) => error !== undefined);
    if (refusal) throw refusal;
    return items.map(String);
  });
  /** Releases waiting batches until none is left. */
  const finish = async () => {
    for (let idle = 0; idle < 5; idle += 1) {
      await new Promise(setImmediate);
      if (gates.length > 0) idle = 0;
      gates.shift()?.();
    }
  };
  return { batcher, batches, finish };
}

test('items added in the same tick form one batch, and each item gets its own result', async () => {
  const { batcher, batches, finish } = createRecordingBatcher();
  const results = [1, 2, 3].map((item) => batcher.add(item));
  await finish();
  expect(await Promise.all(results)).toEqual(['1', '2', '3']);
  expect(batches).toEqual([[1, 2, 3]]);
});

test('an item added while a batch runs goes into the next batch', async () => {
  const { batcher, batches, finish } = createRecordingBatcher();
  const first = batcher.add(1);
  await new Promise(setImmediate);
  expect(batches).toEqual([[1]]);
  const others = [2, 3].map((item) => batcher.add(item));
  await finish();
  expect(await Promise.all([first, ...others])).toEqual(['1', '2', '3']);
  expect(batches).toEqual([[1], [2, 3]]);
});

test('a batch of several items waits while items keep arriving, but a lone item is not delayed', async () => {
  const { batcher, batches, finish } = createRecordingBatcher();
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

test('a batch has at most 128 items', async () => {
  const { batcher, batches, finish } = createRecordingBatcher();
  const results = Array.from({ length: 300 }, (_, item) => batcher.add(item));
  await finish();
  expect(await Promise.all(results)).toHaveLength(300);
  expect(batches.map(({ length }) => length)).toEqual([128, 128, 44]);
});

test('a rejected item does not make the other items of its batch fail', async () => {
  const { batcher, finish } = createRecordingBatcher((item) => (item === 2 ? new Refused() : undefined));
  const results = Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
  await finish();
  expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('an unavailable database is called once per batch, not once per item', async () => {
  const { batcher, batches, finish } = createRecordingBatcher(() => new DatabaseUnavailable());
  const results = Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
  await finish();
  expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(batches).toHaveLength(1);
});

test('a database that does not answer is not asked again for the items that wait', async () => {
  const { batcher, batches, finish } = createRecordingBatcher(() => new DatabaseUnavailable());
  const first = batcher.add(1);
  await new Promise(setImmediate);
  const results = Promise.allSettled([first, batcher.add(2), batcher.add(3)]);
  await finish();
  expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(batches).toEqual([[1]]);
});

test('a database that goes away while items run one by one is asked for none of the rest', async () => {
  const failures = [new Refused(), new DatabaseUnavailable()];
  const { batcher, batches, finish } = createRecordingBatcher(() => failures[batches.length - 1]);
  const results = Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
  await finish();
  expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(batches).toEqual([[1, 2, 3], [1]]);
  const next = batcher.add(4);
  await finish();
  expect(await next).toBe('4');
});

test('an error among the results rejects only its item, and the next batch still runs', async () => {
  const batcher = new Batcher<number, string>(async (items) =>
    items.map((item) => (item === 2 ? new Refused('two') : String(item))),
  );
  const [one, two] = [batcher.add(1), batcher.add(2)];
  await expect(two).rejects.toThrow('two');
  expect(await one).toBe('1');
  expect(await batcher.add(3)).toBe('3');
});

test('while 4,096 items wait, the next is refused at once, and those that wait get their results', async () => {
  const { batcher, finish } = createRecordingBatcher();
  const first = batcher.add(0);
  await new Promise(setImmediate);
  const waiting = Array.from({ length: 4_096 }, (_, item) => batcher.add(item));
  await expect(batcher.add(1)).rejects.toThrow(DatabaseUnavailable);
  await finish();
  expect(await Promise.all([first, ...waiting])).toHaveLength(4_097);
  const next = batcher.add(2);
  await finish();
  expect(await next).toBe('2');
});
