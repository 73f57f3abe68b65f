import { type MigrationInterface, type QueryRunner, Table, TableForeignKey, TableIndex } from 'typeorm';

const SENDER = {
  name: 'fk_messages_sender_id',
  columnNames: ['sender_id'],
  referencedTableName: 'users',
  referencedColumnNames: ['id'],
  onDelete: 'NO ACTION',
  onUpdate: 'NO ACTION',
};

const BY_SENDER = { name: 'ix_messages_sender_id', columnNames: ['sender_id'] };

/**
 * Finds a user's messages by a row for each thousand indices of a chat instead of an index entry for each message. MySQL
 * commits each step by itself: each may have been done already, by a run that was cut off.
 */
export class SenderBlocks1795500000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const integer = isSqlite(queryRunner) ? 'integer' : 'int';
    await queryRunner.createTable(
      new Table({
        name: 'sender_blocks',
        columns: [
          { name: 'sender_id', type: integer, isPrimary: true },
          { name: 'chat_id', type: integer, isPrimary: true },
          { name: 'block', type: 'bigint', isPrimary: true },
        ],
        indices: [{ name: 'ix_sender_blocks_chat_id', columnNames: ['chat_id'] }],
        foreignKeys: [
          reference('fk_sender_blocks_sender_id', 'sender_id', 'users'),
          reference('fk_sender_blocks_chat_id', 'chat_id', 'chats'),
        ],
        withoutRowid: true,
      }),
      true,
    );
    await queryRunner.query('DELETE FROM sender_blocks');
    await queryRunner.query(
      `INSERT INTO sender_blocks (sender_id, chat_id, block)
       SELECT DISTINCT sender_id, chat_id, seq >> 10 FROM messages`,
    );
    await dropKeys(queryRunner);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await dropKeys(queryRunner);
    await queryRunner.createIndex('messages', new TableIndex(BY_SENDER));
    await keepingFiles(queryRunner, () =>
      queryRunner.createForeignKey('messages', new TableForeignKey(SENDER)),
    );
    await queryRunner.dropTable('sender_blocks', true);
  }
}

function reference(name: string, column: string, table: string) {
  return {
    name,
    columnNames: [column],
    referencedTableName: table,
    referencedColumnNames: ['id'],
    onDelete: 'CASCADE',
    onUpdate: 'NO ACTION',
  };
}

async function dropKeys(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.dropForeignKey('messages', SENDER.name, true);
  await queryRunner.dropIndex('messages', BY_SENDER.name, true);
}

/**
 * SQLite changes a foreign key by dropping and recreating the table. On a revert TypeORM turns foreign keys off too late,
 * and the files lose their messages. So save and restore these references.
 */
async function keepingFiles(queryRunner: QueryRunner, change: () => Promise<void>): Promise<void> {
  if (!isSqlite(queryRunner)) return change();
  await queryRunner.query('CREATE TEMPORARY TABLE kept AS SELECT uuid, chat_id, seq FROM files');
  await change();
  await queryRunner.query(
    'UPDATE files SET (chat_id, seq) = (SELECT chat_id, seq FROM kept WHERE kept.uuid = files.uuid)',
  );
  await queryRunner.query('DROP TABLE kept');
}

function isSqlite(queryRunner: QueryRunner): boolean {
  return queryRunner.connection.options.type === 'better-sqlite3';
}
