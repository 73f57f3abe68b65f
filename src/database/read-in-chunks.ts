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
