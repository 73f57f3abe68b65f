import type { DataSource, Table, TableColumn } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '#src/database/data-source.js';
import { createTestDatabase, type TestDatabase, testSettings } from '../support/server.js';

/** The last migration of the release from which upgrades roll. */
const RELEASE = 1796100000000;

let database: TestDatabase;
let open: OpenDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  open = await openDatabase(testSettings(database));
});

afterAll(async () => {
  await open.writer.destroy();
  if (open.reader.isInitialized) await open.reader.destroy();
  await database.drop();
});

async function readTables(dataSource: DataSource): Promise<Table[]> {
  const runner = dataSource.createQueryRunner();
  const tables = await runner.getTables(dataSource.entityMetadatas.map(({ tableName }) => tableName));
  await runner.release();
  return tables;
}

const describeColumn = ({ type, length, isNullable, default: value }: TableColumn) =>
  `${type}(${length}) ${isNullable ? 'NULL' : 'NOT NULL'} DEFAULT ${String(value)}`;

/** What may refuse a row. */
const rulesOf = ({ indices, uniques, foreignKeys, checks }: Table) =>
  [...indices.filter(({ isUnique }) => isUnique), ...uniques, ...foreignKeys, ...checks].map(
    ({ name }) => name,
  );

/** Returns what breaks statements that run on the old table, or makes them slow. */
function findBreaks(old: Table, table?: Table): string[] {
  if (!table) return ['the table is gone'];
  const breaks: string[] = [];
  for (const column of old.columns) {
    const [before, after] = [column, table.findColumnByName(column.name)].map(
      (one) => one && describeColumn(one),
    );
    if (before !== after) breaks.push(`${column.name} was ${before} and is ${after}`);
  }
  for (const { name, isNullable, default: value } of table.columns) {
    const isDemanded = !isNullable && value === undefined;
    if (!old.findColumnByName(name) && isDemanded) breaks.push(`${name} is new and has no default`);
  }
  for (const name of rulesOf(table)) {
    if (!rulesOf(old).includes(name)) breaks.push(`the rule ${name} is new`);
  }
  for (const { name } of old.indices) {
    if (!table.indices.some((index) => index.name === name)) breaks.push(`the index ${name} is gone`);
  }
  return breaks;
}

test('migrations after the release only add, so that the release runs on their schema', async () => {
  const { writer } = open;
  const later = writer.migrations.filter((migration) => timeOf(migration) > RELEASE);
  const after = await readTables(writer);
  for (const _ of later) await writer.undoLastMigration({ transaction: 'each' });
  const before = (await readTables(writer)).filter(({ columns }) => columns.length > 0);
  expect(before.length).toBeGreaterThan(10);
  const breaks = before.map((old) => [
    old.name,
    findBreaks(
      old,
      after.find(({ name }) => name === old.name),
    ),
  ]);
  expect(breaks.filter(([, found]) => found.length > 0)).toEqual([]);
});

const timeOf = ({ constructor }: object) => Number(/\d{13}$/.exec(constructor.name)?.[0]);
