import type { Pool } from 'mysql2';

export interface Load {
  /** Of the pool; undefined on SQLite. */
  connections?: { inUse: number; idle: number };
  /** Requests for a connection; units of work on SQLite. */
  waiting: number;
}

/** Reads internals, because mysql2 has no API for the state of its pool. `test/e2e/metrics.test.ts` checks them. */
export function poolLoad(pool: Pool): Load {
  const lengthOf = (queue: string) => (Reflect.get(pool, queue) as { length: number }).length;
  const idle = lengthOf('_freeConnections');
  return {
    connections: { inUse: lengthOf('_allConnections') - idle, idle },
    waiting: lengthOf('_connectionQueue'),
  };
}
