import { setTimeout as sleep } from 'node:timers/promises';
import type { SqlValue } from './driver.js';
import type { Transaction, UnitOfWork } from './unit-of-work.js';

/** Rows that one unit of work deletes: some milliseconds, during which other writers wait on SQLite. */
export const CHUNK_SIZE = 500;

/**
 * Runs `work` in units of work until it returns undefined. Passes each result to the next unit. Pauses after each unit for
 * as long as the unit took.
 * @throws the reason of the signal, between two units.
 */
export async function inChunks<Position>(
  unitOfWork: UnitOfWork,
  signal: AbortSignal,
  work: (tx: Transaction, after?: Position) => Promise<Position | undefined>,
): Promise<void> {
  let position: Position | undefined;
  do {
    signal.throwIfAborted();
    const after = position;
    const startedAt = performance.now();
    position = await unitOfWork.run((tx) => work(tx, after));
    if (position !== undefined) await sleep(performance.now() - startedAt, undefined, { signal });
  } while (position !== undefined);
}

interface Deletion {
  table: string;
  /** A condition on the rows to delete. */
  where: string;
  values: SqlValue[];
  /** A column that orders these rows by an index. Rows with the same value are deleted together. */
  key: string;
}

/**
 * Deletes rows, 500 in each unit of work. Each chunk begins after the last one, because InnoDB reads over deleted rows
 * until it has purged them.
 */
export function deleteInChunks(
  unitOfWork: UnitOfWork,
  signal: AbortSignal,
  { table, where, values, key }: Deletion,
): Promise<void> {
  return inChunks<string | number>(unitOfWork, signal, async (tx, after) => {
    const rest = after === undefined ? where : `${where} AND ${key} > ?`;
    const restValues = after === undefined ? values : [...values, after];
    const [last] = await tx.query<{ last: string | number }>(
      `SELECT ${key} AS last FROM ${table} WHERE ${rest} ORDER BY ${key} LIMIT 1 OFFSET ${CHUNK_SIZE - 1}`,
      restValues,
    );
    const upTo = last ? ` AND ${key} <= ?` : '';
    await tx.execute(`DELETE FROM ${table} WHERE ${rest}${upTo}`, [
      ...restValues,
      ...(last ? [last.last] : []),
    ]);
    return last?.last;
  });
}
