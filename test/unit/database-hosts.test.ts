import { expect, test } from 'vitest';
import { takesWrites } from '#src/database/database-hosts.js';

const SYNCED = { wsrep_on: 'ON', wsrep_ready: 'ON', wsrep_local_state: '4' };

test.each<[string, Record<string, string>, boolean]>([
  ['a single server', { read_only: 'OFF', wsrep_on: 'OFF', wsrep_ready: 'OFF' }, true],
  ['a server of MySQL, which knows no wsrep', { read_only: 'OFF' }, true],
  ['a replica, or a secondary member of a Group Replication', { read_only: 'ON' }, false],
  ['a synced node of a Galera cluster', { read_only: 'OFF', ...SYNCED }, true],
  ['a node that gives its state to a joiner', { ...SYNCED, wsrep_local_state: '2' }, false],
  ['a node without a quorum', { ...SYNCED, wsrep_ready: 'OFF' }, false],
  ['a server of a newer MariaDB that is read-only', { read_only: 'NO_LOCK_NO_ADMIN' }, false],
  ['a node that is read-only', { ...SYNCED, read_only: 'ON' }, false],
])('%s takes writes or not', (_, values, expected) => {
  expect(takesWrites(new Map(Object.entries(values)))).toBe(expected);
});
