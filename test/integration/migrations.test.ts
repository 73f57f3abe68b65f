import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '#src/database/data-source.js';
import {
  createTestDatabase,
  onMysql,
  startServer,
  type TestDatabase,
  testSettings,
} from '../support/server.js';

/** Returns the statements that would change the schema to match the entities. */
async function schemaDifferences(dataSource: DataSource): Promise<string[]> {
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
  return upQueries.map(({ query }) => query);
}

async function tableNames(dataSource: DataSource): Promise<string[]> {
  const query = onMysql
    ? 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()'
    : "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
  const tables = await dataSource.query<{ name: string }[]>(query);
  return tables.map(({ name }) => name);
}

async function insert(dataSource: DataSource, table: string, rows: Record<string, unknown>[]): Promise<void> {
  for (const row of rows) {
    const columns = Object.keys(row);
    const places = columns.map(() => '?').join(', ');
    await dataSource.query(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`,
      Object.values(row),
    );
  }
}

/** Returns the row of a user without its `id`. */
const userRow = (username: string) => ({
  username,
  username_key: username,
  name: 'n',
  email: 'e',
  email_key: username,
  verified: 0,
  password_hash: 'h',
  created_at: 0,
});

const OWN_TABLES = [...(onMysql ? ['migration_lock'] : []), 'migrations'];

describe('the migrations', () => {
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

  test('create the schema that the entities describe', async () => {
    expect(open.writer.entityMetadatas.length).toBeGreaterThan(0);
    expect(await schemaDifferences(open.writer)).toEqual([]);
  });

  test('create a table for each entity and no other table, but for those of the migrations themselves', async () => {
    const expected = open.writer.entityMetadatas.map(({ tableName }) => tableName);
    expect((await tableNames(open.writer)).toSorted()).toEqual([...expected, ...OWN_TABLES].toSorted());
  });

  test('have all run when the database is open', async () => {
    expect(await open.writer.showMigrations()).toBe(false);
  });

  test('do nothing when they are run again', async () => {
    expect(await open.writer.runMigrations({ transaction: 'each' })).toEqual([]);
  });

  test('can each be reverted and run again', async () => {
    for (const _ of open.writer.migrations) await open.writer.undoLastMigration({ transaction: 'each' });
    expect((await tableNames(open.writer)).toSorted()).toEqual(OWN_TABLES);
    expect(await open.writer.showMigrations()).toBe(true);

    const done = await open.writer.runMigrations({ transaction: 'each' });
    expect(done).toHaveLength(open.writer.migrations.length);
    expect(await schemaDifferences(open.writer)).toEqual([]);
  });

  test('can be reverted again after a crash at the end', async () => {
    const { writer } = open;
    while ((await tableNames(writer)).includes('removals')) {
      await writer.undoLastMigration({ transaction: 'each' });
    }
    await insert(writer, 'migrations', [{ timestamp: 1796000000000, name: 'Removals1796000000000' }]);
    await writer.undoLastMigration({ transaction: 'each' });
    await writer.runMigrations({ transaction: 'each' });
    expect(await schemaDifferences(writer)).toEqual([]);
  });

  test('keep messages, files and rooms when they are reverted and run again', async () => {
    const { writer } = open;
    const chat = { id: 1, uuid: 'c', name: 'c', is_permanent: 0, next_seq: 5_000, deleted_count: 4_997 };
    const message = { chat_id: 1, type: 'file', text: 't', sent_at: 1 };
    const file = { sender_id: 1, filename: 'f', created_at: 1 };
    await insert(writer, 'users', [
      { id: 1, ...userRow('one') },
      { id: 2, ...userRow('two') },
    ]);
    await insert(writer, 'chats', [{ ...chat, last_sent_at: 1 }]);
    await insert(writer, 'messages', [
      { ...message, seq: 0, sender_id: 1 },
      { ...message, seq: 1_023, sender_id: 2 },
      { ...message, seq: 4_999, sender_id: 1 },
    ]);
    await insert(writer, 'files', [
      { ...file, uuid: 'kept', chat_id: 1, seq: 4_999 },
      { ...file, uuid: 'left', chat_id: null, seq: null },
    ]);
    await insert(writer, 'rooms', [{ id: 1, chat_id: 1, name: 'r' }]);
    await insert(writer, 'sender_blocks', [
      { sender_id: 1, chat_id: 1, block: 0 },
      { sender_id: 1, chat_id: 1, block: 4 },
      { sender_id: 2, chat_id: 1, block: 0 },
    ]);
    const rows = (table: string) => writer.query(`SELECT * FROM ${table} ORDER BY 1, 2, 3`);
    const tables = ['messages', 'files', 'sender_blocks', 'rooms'];
    const [messages, files, blocks, rooms] = await Promise.all(tables.map(rows));

    while ((await tableNames(writer)).includes('sender_blocks')) {
      await writer.undoLastMigration({ transaction: 'each' });
    }
    expect([await rows('messages'), await rows('files')]).toEqual([messages, files]);
    expect(await rows('rooms')).toEqual(rooms);

    for (const _ of ['first time', 'again, after a crash in the middle']) {
      await writer.runMigrations({ transaction: 'each' });
      expect([await rows('messages'), await rows('files')]).toEqual([messages, files]);
      expect(await rows('sender_blocks')).toEqual(blocks);
      await writer.query("DELETE FROM migrations WHERE name LIKE 'SenderBlocks%'");
    }
    await writer.runMigrations({ transaction: 'each' });
  });

  test('start members from before with everything read', async () => {
    const { writer } = open;
    const query = 'SELECT read_next FROM members WHERE chat_id = 1';
    const hasMarkers = () =>
      writer.query(query).then(
        () => true,
        () => false,
      );
    while (await hasMarkers()) await writer.undoLastMigration({ transaction: 'each' });
    await insert(writer, 'members', [{ chat_id: 1, user_id: 1, since: 1, joined_at: 1 }]);
    await writer.runMigrations({ transaction: 'each' });
    expect(await writer.query(query)).toEqual([{ read_next: 5_000 }]);
  });

  test('start the log of changes behind the newest member of each chat', async () => {
    const { writer } = open;
    const hasColumn = async () => {
      const runner = writer.createQueryRunner();
      return runner.hasColumn('chats', 'last_change_at').finally(() => runner.release());
    };
    const members = 'SELECT chat_id, user_id, since, joined_at, read_next FROM members ORDER BY 1, 2';
    const messages = 'SELECT * FROM messages ORDER BY 1, 2';
    const kept = [await writer.query(members), await writer.query(messages)];
    await insert(writer, 'deleted_chats', [{ chat_id: 9, uuid: 'd', deleted_at: 1 }]);
    await insert(writer, 'members', [{ chat_id: 9, user_id: 1, since: 1, joined_at: 1 }]);

    while (await hasColumn()) await writer.undoLastMigration({ transaction: 'each' });
    // Without the log, nothing hides or removes members of deleted chats.
    expect([await writer.query(members), await writer.query(messages)]).toEqual(kept);

    await insert(writer, 'members', [{ chat_id: 1, user_id: 2, since: 7, joined_at: 7 }]);
    await insert(writer, 'chats', [
      { id: 2, uuid: 'e', name: 'e', is_permanent: 1, next_seq: 0, deleted_count: 0, last_sent_at: 1 },
    ]);
    await writer.runMigrations({ transaction: 'each' });
    expect(await writer.query('SELECT id, last_change_at FROM chats ORDER BY id')).toEqual([
      { id: 1, last_change_at: 7 },
      { id: 2, last_change_at: 0 },
    ]);
    expect((await writer.query(members)).slice(0, 1)).toEqual(kept[0]);
    expect(await writer.query(messages)).toEqual(kept[1]);
  });

  test('distinguish texts that differ in a single byte', async () => {
    const spellings = ['😀', '😁', 'bob', 'bob ', 'BOB', 'böb', 'bo\u0308b', 'ß', 'ss'];
    await insert(open.writer, 'users', spellings.map(userRow));
    for (const spelling of spellings) {
      const rows = await open.writer.query('SELECT username FROM users WHERE username_key = ?', [spelling]);
      expect(rows).toEqual([{ username: spelling }]);
    }
  });

  test.runIf(onMysql)('give every text column a binary collation that compares trailing spaces', async () => {
    const columns = await open.writer.query<{ name: string; collation: string }[]>(
      `SELECT CONCAT(table_name, '.', column_name) AS name, collation_name AS collation
       FROM information_schema.columns
       WHERE table_schema = DATABASE() AND collation_name IS NOT NULL AND table_name <> 'migrations'`,
    );
    expect(columns.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['users.username_key', 'users.email_key', 'chats.name', 'messages.text']),
    );
    expect(columns.filter(({ collation }) => !/^utf8mb4_(nopad|0900)_bin$/.test(collation))).toEqual([]);
  });

  test.runIf(!onMysql)('run on a SQLite database that is configured to survive a power cut', async () => {
    const pragma = async (name: string) => Object.values((await open.writer.query(`PRAGMA ${name}`))[0])[0];
    expect(await pragma('journal_mode')).toBe('wal');
    expect(await pragma('synchronous')).toBe(2);
    expect(await pragma('foreign_keys')).toBe(1);
    expect(await pragma('busy_timeout')).toBeGreaterThan(0);
  });

  test.runIf(!onMysql)('store the messages of a chat next to each other on SQLite', async () => {
    const [{ sql }] = await open.writer.query<{ sql: string }[]>(
      "SELECT sql FROM sqlite_master WHERE name = 'messages'",
    );
    expect(sql).toMatch(/WITHOUT ROWID$/);
  });
});

test('a started server has run all migrations, on a new and on an existing database', async () => {
  const database = await createTestDatabase();
  for (const _ of ['first start', 'second start']) {
    const server = await startServer({}, database);
    const dataSource = server.app.get<DataSource>(getDataSourceToken());
    expect(await dataSource.showMigrations()).toBe(false);
    expect(await schemaDifferences(dataSource)).toEqual([]);
    await server.stop();
  }
  await database.drop();
});
