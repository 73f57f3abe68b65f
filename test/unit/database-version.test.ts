import { expect, test } from 'vitest';
import { durabilityWarnings, checkVersion } from '#src/database/data-source.js';

test.each([
  '8.4.0',
  '8.4.3-log',
  '9.1.0',
  '10.0.1',
  '10.11.0-MariaDB',
  '10.11.6-MariaDB-0+deb12u1',
  '11.4.2-MariaDB',
])('%s is new enough', (version) => {
  expect(checkVersion(version)).toBeUndefined();
});

test.each([
  ['5.7.44', 'MySQL 8.4'],
  ['8.0.36', 'MySQL 8.4'],
  ['8.3.0', 'MySQL 8.4'],
  ['5.5.68-MariaDB', 'MariaDB 10.11'],
  ['10.6.18-MariaDB', 'MariaDB 10.11'],
  ['10.9.8-mariadb', 'MariaDB 10.11'],
  ['', 'MySQL 8.4'],
])('%j is too old: %s is needed', (version, needed) => {
  expect(checkVersion(version)).toContain(`Parley needs ${needed} or newer`);
  expect(checkVersion(version)).toContain(version);
});

const DURABLE = { innodb_flush_log_at_trx_commit: '1', log_bin: 'ON', sync_binlog: '1' };

test.each<[string, Record<string, string>, RegExp[]]>([
  ['a durable server', {}, []],
  ['a server without a binary log', { log_bin: 'OFF', sync_binlog: '0' }, []],
  [
    'a server that flushes its redo log once a second',
    { innodb_flush_log_at_trx_commit: '2' },
    [/^innodb_flush/],
  ],
  [
    'a server that does not write its redo log at a commit',
    { innodb_flush_log_at_trx_commit: '0' },
    [/^innodb_flush/],
  ],
  ['a server that does not flush its binary log at each commit', { sync_binlog: '0' }, [/^sync_binlog/]],
  [
    'a server that flushes neither log at each commit',
    { innodb_flush_log_at_trx_commit: '2', sync_binlog: '100' },
    [/^innodb_flush/, /^sync_binlog/],
  ],
])('returns the durability warnings for %s', (_, variables, expected) => {
  const warnings = durabilityWarnings(new Map(Object.entries({ ...DURABLE, ...variables })));
  expect(warnings).toEqual(expected.map((warning) => expect.stringMatching(warning)));
});
