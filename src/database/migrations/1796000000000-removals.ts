import { type MigrationInterface, type QueryRunner, Table, TableForeignKey, TableIndex } from 'typeorm';

/** The foreign keys that are dropped: the table, the column, the table to which it refers, and what a deletion does. */
const FOREIGN_KEYS = [
  ['chats', 'owner_id', 'users', 'NO ACTION'],
  ['members', 'chat_id', 'chats', 'CASCADE'],
  ['members', 'user_id', 'users', 'NO ACTION'],
  ['messages', 'chat_id', 'chats', 'CASCADE'],
  ['sender_blocks', 'chat_id', 'chats', 'CASCADE'],
  ['sender_blocks', 'sender_id', 'users', 'CASCADE'],
  ['tokens', 'user_id', 'users', 'CASCADE'],
  ['mails', 'user_id', 'users', 'CASCADE'],
  ['idempotency_keys', 'user_id', 'users', 'CASCADE'],
] as const;

const TABLES = [...new Set(FOREIGN_KEYS.map(([table]) => table))];

/** The tables that refer to a table that SQLite recreates. */
const REFERRING: Record<string, string> = { chats: 'rooms', messages: 'files' };

const BY_CHAT = new TableIndex({ name: 'ix_sender_blocks_chat_id', columnNames: ['chat_id'] });
const BY_BLOCK = new TableIndex({ name: 'ix_sender_blocks_block', columnNames: ['chat_id', 'block'] });
const TOKENS_OF_USER = new TableIndex({ name: 'ix_tokens_user_id', columnNames: ['user_id', 'kind'] });
const TOKENS_IN_ORDER = new TableIndex({
  name: 'ix_tokens_user_id_kind_id',
  columnNames: ['user_id', 'kind', 'id'],
});
const MAILS_BY_AGE = new TableIndex({ name: 'ix_mails_created_at', columnNames: ['created_at'] });

/**
 * Lists chats and users whose rows are removed in chunks, instead of by foreign keys in one statement. MySQL commits each
 * step by itself: each may have been done already, by a run that was cut off.
 */
export class Removals1796000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const { type } = queryRunner.connection.options;
    const collation = type === 'mariadb' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
    const binary = isSqlite(queryRunner) ? {} : { charset: 'utf8mb4', collation };
    await queryRunner.createTable(
      new Table({
        name: 'removals',
        columns: [
          { name: 'kind', type: 'varchar', length: '8', isPrimary: true, ...binary },
          { name: 'id', type: isSqlite(queryRunner) ? 'integer' : 'int', isPrimary: true },
        ],
        withoutRowid: true,
      }),
      true,
    );
    for (const table of TABLES) {
      const names = keysOf(table).map(({ name }) => name);
      const present = (await queryRunner.getTable(table))?.foreignKeys ?? [];
      const dropped = present.filter(({ name }) => names.includes(name));
      if (dropped.length > 0) await queryRunner.dropForeignKeys(table, dropped);
    }
    await replaceIndex(queryRunner, 'sender_blocks', BY_CHAT, BY_BLOCK);
    await replaceIndex(queryRunner, 'tokens', TOKENS_OF_USER, TOKENS_IN_ORDER);
    await queryRunner.dropIndex('mails', 'ix_mails_created_at', true);
    await queryRunner.createIndex('mails', MAILS_BY_AGE);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const isListed =
      (await queryRunner.hasTable('removals')) &&
      (await queryRunner.query('SELECT id FROM removals LIMIT 1')).length > 0;
    if (isListed) throw new Error('The table removals must be empty: start Parley, and wait until it is.');
    await replaceIndex(queryRunner, 'sender_blocks', BY_BLOCK, BY_CHAT);
    await replaceIndex(queryRunner, 'tokens', TOKENS_IN_ORDER, TOKENS_OF_USER);
    await queryRunner.dropIndex('mails', 'ix_mails_created_at', true);
    for (const table of TABLES) {
      const present = (await queryRunner.getTable(table))?.foreignKeys.map(({ name }) => name) ?? [];
      const missing = keysOf(table).filter(({ name }) => !present.includes(name));
      if (missing.length === 0) continue;
      await keepingRows(queryRunner, REFERRING[table], () => queryRunner.createForeignKeys(table, missing));
    }
    await queryRunner.dropTable('removals', true);
  }
}

function keysOf(table: string): TableForeignKey[] {
  return FOREIGN_KEYS.filter(([of]) => of === table).map(
    ([, column, referred, onDelete]) =>
      new TableForeignKey({
        name: `fk_${table}_${column}`,
        columnNames: [column],
        referencedTableName: referred,
        referencedColumnNames: ['id'],
        onDelete,
        onUpdate: 'NO ACTION',
      }),
  );
}

async function replaceIndex(queryRunner: QueryRunner, table: string, old: TableIndex, index: TableIndex) {
  const present = (await queryRunner.getTable(table))?.indices ?? [];
  if (!present.some(({ name }) => name === index.name)) await queryRunner.createIndex(table, index);
  await queryRunner.dropIndex(table, old.name ?? '', true);
}

/**
 * SQLite changes foreign keys by recreating the table. During a revert foreign keys are on, and change the rows of a table
 * that refers to it.
 */
async function keepingRows(
  queryRunner: QueryRunner,
  table: string | undefined,
  change: () => Promise<void>,
): Promise<void> {
  if (!table || !isSqlite(queryRunner)) return change();
  await queryRunner.query(`CREATE TEMPORARY TABLE kept AS SELECT * FROM ${table}`);
  await change();
  await queryRunner.query(`DELETE FROM ${table}`);
  await queryRunner.query(`INSERT INTO ${table} SELECT * FROM kept`);
  await queryRunner.query('DROP TABLE kept');
}

function isSqlite(queryRunner: QueryRunner): boolean {
  return queryRunner.connection.options.type === 'better-sqlite3';
}
