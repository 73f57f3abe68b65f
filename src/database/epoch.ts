import { randomUUID } from 'node:crypto';
import type { Reader, Transaction } from './unit-of-work.js';

/**
 * Returns a unique name of this database, which a restore changes. A node of a cluster first applies all that other nodes have
 * committed.
 */
export async function findEpoch(reader: Reader): Promise<string> {
  const [{ epoch }] = await reader.queryLatest<{ epoch: string }>('SELECT epoch FROM database_epoch', []);
  return epoch;
}

/** To be called when a backup is restored: positions after the backup may soon be those of other changes. */
export async function renewEpoch(tx: Transaction): Promise<void> {
  await tx.execute('UPDATE database_epoch SET epoch = ?', [randomUUID()]);
}
