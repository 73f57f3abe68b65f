import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { StartError } from '../config/settings.js';
import { isRetryable } from './driver-errors.js';

/** On Galera a change of a large table also blocks the renewal. */
const LEASE_SECONDS = 300;
const RENEWAL_MS = 30_000;
const RETRY_MS = 200;
const TIMEOUT_MS = 600_000;

const TAKE = `UPDATE migration_lock SET holder = ?, expires_at = UNIX_TIMESTAMP() + ${LEASE_SECONDS}
  WHERE id = 1 AND (holder IS NULL OR expires_at < UNIX_TIMESTAMP())`;
const RENEW = `UPDATE migration_lock SET expires_at = UNIX_TIMESTAMP() + ${LEASE_SECONDS} WHERE holder = ?`;
const RELEASE = 'UPDATE migration_lock SET holder = NULL WHERE holder = ?';

/**
 * Lets one of the servers that start on a MySQL database migrate it, while the others wait. The lock is a row with a lease, because
 * GET_LOCK holds on one node of a Galera cluster only. Its table is created by no migration, since migrations need it.
 * @throws StartError when another server holds the lock for 10 minutes.
 */
export async function holdMigrationLock(
  dataSource: DataSource,
  migrate: () => Promise<unknown>,
): Promise<void> {
  const holder = randomUUID();
  await createTable(dataSource);
  await take(dataSource, holder);
  const renewal = setInterval(() => void dataSource.query(RENEW, [holder]).catch(() => {}), RENEWAL_MS);
  try {
    await migrate();
  } finally {
    clearInterval(renewal);
    // A lock that cannot be released expires.
    await dataSource.query(RELEASE, [holder]).catch(() => {});
  }
}

/** Checks first, because a user of the database who may not create tables can still start a server. */
async function createTable(dataSource: DataSource): Promise<void> {
  const tables = await dataSource.query("SHOW TABLES LIKE 'migration_lock'");
  if (tables.length === 0) {
    await repeatIfAborted(() =>
      dataSource.query(
        `CREATE TABLE IF NOT EXISTS migration_lock
         (id INT NOT NULL PRIMARY KEY, holder VARBINARY(36) NULL, expires_at BIGINT NOT NULL) ENGINE = InnoDB`,
      ),
    );
  }
  await repeatIfAborted(() => dataSource.query('INSERT IGNORE INTO migration_lock VALUES (1, NULL, 0)'));
}

async function take(dataSource: DataSource, holder: string): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    const { affectedRows } = await repeatIfAborted(() => dataSource.query(TAKE, [holder]));
    if (affectedRows === 1) return;
    if (performance.now() > deadline) {
      throw new StartError(
        'Parley cannot start: another server has been migrating the database for 10 minutes',
      );
    }
    await sleep(RETRY_MS);
  }
}

/** A node of a Galera cluster aborts a transaction that conflicts with one of another node. */
async function repeatIfAborted<T>(query: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await query();
    } catch (error) {
      if (!isRetryable(error)) throw error;
      await sleep(RETRY_MS);
    }
  }
}
