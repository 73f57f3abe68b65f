import { chunks } from './unit-of-work.js';

/** Leaves most of MySQL's connections to others. */
const MAX_AT_ONCE = 4;

/** Runs `work` for each value, four at once. */
export async function inParallel<Value>(
  values: Value[],
  work: (value: Value) => Promise<void>,
): Promise<void> {
  for (const some of chunks(values, MAX_AT_ONCE)) await Promise.all(some.map(work));
}
