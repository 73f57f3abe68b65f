import { randomUUID } from 'node:crypto';
import type { Transaction } from './unit-of-work.js';

/** To be called when a backup is restored: positions after the backup may soon be those of other changes. */
export async function renewEpoch(tx: Transaction): Promise<void> {
  await tx.execute('UPDATE database_epoch SET epoch = ?', [randomUUID()]);
}
