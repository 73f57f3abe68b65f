/** Rows of a query that reads a part of a list. */
export const MAX_ROWS_PER_QUERY = 5_000;

/** Is less than every key. */
export const BEFORE_ALL = -1;

/**
 * Returns a whole list, read in queries of up to 5,000 rows. `readAfter` returns the first `limit` rows, by their ascending
 * keys, whose keys are greater than `after`. The list begins after the key `start`.
 */
export async function readInChunks<Row>(
  readAfter: (after: number, limit: number) => Promise<Row[]>,
  keyOf: (row: Row) => number,
  start = BEFORE_ALL,
): Promise<Row[]> {
  const rows: Row[] = [];
  let some: Row[];
  do {
    const last = rows.at(-1);
    some = await readAfter(last === undefined ? start : keyOf(last), MAX_ROWS_PER_QUERY);
    for (const row of some) rows.push(row);
  } while (some.length === MAX_ROWS_PER_QUERY);
  return rows;
}

/**
 * Returns what happened after `since`, by time, read in queries of up to 5,000 rows. `readAfter` returns the first `limit`
 * rows that are later than `after`. A row may be returned twice.
 */
export async function readSince<Row extends { at: number }>(
  since: number,
  readAfter: (after: number, limit: number) => Promise<Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  let after = since;
  let limit = MAX_ROWS_PER_QUERY;
  for (;;) {
    const some = await readAfter(after, limit);
    for (const row of some) rows.push(row);
    if (some.length < limit) return rows;
    // More rows may have the time of the last one.
    const last = some[some.length - 1].at - 1;
    if (last > after) after = last;
    else limit *= 2;
  }
}
