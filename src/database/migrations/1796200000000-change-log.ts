import { type MigrationInterface, type QueryRunner, Table, TableIndex } from 'typeorm';

/** The log of changes by which clients catch up. MySQL commits each step by itself, so each may have been done already. */
export class ChangeLog1796200000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const { type } = queryRunner.connection.options;
    const isSqlite = type === 'better-sqlite3';
    const collation = type === 'mariadb' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
    const binary = isSqlite ? {} : { charset: 'utf8mb4', collation };
    const int = isSqlite ? 'integer' : 'int';
    await queryRunner.createTable(
      new Table({
        name: 'chat_changes',
        columns: [
          { name: 'chat_id', type: int, isPrimary: true },
          { name: 'at', type: 'bigint', isPrimary: true },
          { name: 'type', type: 'varchar', length: '16', ...binary },
          { name: 'seq', type: 'bigint', isNullable: true },
          { name: 'user_id', type: int, isNullable: true },
          { name: 'erased_user', type: 'text', isNullable: true, ...binary },
        ],
        indices: [
          new TableIndex({ name: 'ix_chat_changes_user_id', columnNames: ['user_id', 'at'] }),
          new TableIndex({ name: 'ix_chat_changes_at', columnNames: ['at'] }),
        ],
        withoutRowid: true,
      }),
      true,
    );
    await queryRunner.createTable(
      new Table({
        name: 'deleted_chats',
        columns: [
          { name: 'chat_id', type: int, isPrimary: true },
          { name: 'uuid', type: 'varchar', length: '36', ...binary },
          { name: 'deleted_at', type: 'bigint' },
        ],
        indices: [new TableIndex({ name: 'ix_deleted_chats_deleted_at', columnNames: ['deleted_at'] })],
      }),
      true,
    );
    // TypeORM would recreate SQLite's tables.
    if (!(await queryRunner.hasColumn('members', 'read_at'))) {
      await queryRunner.query('ALTER TABLE members ADD COLUMN read_at bigint NOT NULL DEFAULT 0');
    }
    if (!(await queryRunner.hasColumn('chats', 'last_change_at'))) {
      await queryRunner.query('ALTER TABLE chats ADD COLUMN last_change_at bigint NOT NULL DEFAULT 0');
    }
    // A new member's `since` is the time of the change, so it must be later than that of every present member.
    await queryRunner.query(
      'UPDATE chats SET last_change_at = COALESCE((SELECT MAX(since) FROM members WHERE chat_id = chats.id), 0)',
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DELETE FROM members WHERE chat_id NOT IN (SELECT id FROM chats)');
    for (const [table, column] of [
      ['chats', 'last_change_at'],
      ['members', 'read_at'],
    ]) {
      if (await queryRunner.hasColumn(table, column)) {
        await queryRunner.query(`ALTER TABLE ${table} DROP COLUMN ${column}`);
      }
    }
    await queryRunner.dropTable('deleted_chats', true);
    await queryRunner.dropTable('chat_changes', true);
  }
}
