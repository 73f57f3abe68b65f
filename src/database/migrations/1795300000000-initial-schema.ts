import {
  type MigrationInterface,
  type QueryRunner,
  Table,
  type TableColumnOptions,
  type TableForeignKeyOptions,
  type TableIndexOptions,
} from 'typeorm';

/** In the order in which one may refer to the other. */
const TABLES = [
  'users',
  'user_search_terms',
  'tokens',
  'mails',
  'chats',
  'members',
  'messages',
  'files',
  'uploads',
  'rooms',
  'room_attempts',
];

/** The schema of the first release. Written with TypeORM's schema API: the same code on both databases. */
export class InitialSchema1795300000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const { type } = queryRunner.connection.options;
    const mysql = type !== 'better-sqlite3';
    // MySQL's default collations hold 😀 and 😁 for equal, and utf8mb4_bin `bob` and `bob `. SQLite compares bytes.
    const collation = type === 'mariadb' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
    const binary = mysql ? { charset: 'utf8mb4', collation } : {};
    const integer = mysql ? 'int' : 'integer';

    const id: TableColumnOptions = {
      name: 'id',
      type: integer,
      isPrimary: true,
      isGenerated: true,
      generationStrategy: 'increment',
    };
    const int = (name: string, more: Partial<TableColumnOptions> = {}) => ({ name, type: integer, ...more });
    const bigint = (name: string, more: Partial<TableColumnOptions> = {}) => ({
      name,
      type: 'bigint',
      ...more,
    });
    const varchar = (name: string, length: number, more: Partial<TableColumnOptions> = {}) => ({
      name,
      type: 'varchar',
      length: String(length),
      ...binary,
      ...more,
    });
    const boolean = (name: string) => ({ name, type: mysql ? 'tinyint' : 'boolean' });
    const primary = { isPrimary: true };
    const nullable = { isNullable: true };

    await queryRunner.createTable(
      new Table({
        name: 'users',
        columns: [
          id,
          varchar('username', 64),
          varchar('username_key', 256),
          varchar('name', 128),
          varchar('email', 254),
          varchar('email_key', 768),
          boolean('verified'),
          varchar('password_hash', 255),
          bigint('created_at'),
        ],
        ...unique(mysql, { uq_users_username_key: 'username_key', uq_users_email_key: 'email_key' }),
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'user_search_terms',
        columns: [varchar('kind', 8, primary), varchar('term', 256, primary), int('user_id', primary)],
        indices: [index('ix_user_search_terms_user_id', 'user_id')],
        foreignKeys: [reference('fk_user_search_terms_user_id', 'user_id', 'users', 'CASCADE')],
        withoutRowid: true,
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'tokens',
        columns: [varchar('id', 36, primary), int('user_id'), varchar('kind', 16), bigint('expires_at')],
        indices: [index('ix_tokens_user_id', 'user_id', 'kind'), index('ix_tokens_expires_at', 'expires_at')],
        foreignKeys: [reference('fk_tokens_user_id', 'user_id', 'users', 'CASCADE')],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'mails',
        columns: [
          id,
          int('user_id'),
          varchar('kind', 32),
          varchar('address', 254),
          varchar('state', 16),
          int('attempts'),
          bigint('due_at'),
          varchar('error', 500, nullable),
          bigint('created_at'),
        ],
        indices: [index('ix_mails_due', 'state', 'due_at'), index('ix_mails_user_id', 'user_id')],
        foreignKeys: [reference('fk_mails_user_id', 'user_id', 'users', 'CASCADE')],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'chats',
        columns: [
          id,
          varchar('uuid', 36),
          varchar('name', 128),
          int('owner_id', nullable),
          boolean('is_permanent'),
          bigint('next_seq'),
          bigint('deleted_count'),
          bigint('last_sent_at'),
        ],
        ...unique(mysql, { uq_chats_uuid: 'uuid' }, [index('ix_chats_owner_id', 'owner_id')]),
        foreignKeys: [reference('fk_chats_owner_id', 'owner_id', 'users')],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'members',
        columns: [int('chat_id', primary), int('user_id', primary), bigint('since'), bigint('joined_at')],
        indices: [index('ix_members_user_id', 'user_id'), index('ix_members_since', 'chat_id', 'since')],
        foreignKeys: [
          reference('fk_members_chat_id', 'chat_id', 'chats', 'CASCADE'),
          reference('fk_members_user_id', 'user_id', 'users'),
        ],
        withoutRowid: true,
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'messages',
        columns: [
          int('chat_id', primary),
          bigint('seq', primary),
          int('sender_id'),
          varchar('type', 8),
          { name: 'text', type: 'text', ...binary },
          varchar('file_uuid', 36, nullable),
          bigint('sent_at'),
          bigint('edited_at', nullable),
        ],
        indices: [index('ix_messages_sender_id', 'sender_id')],
        foreignKeys: [
          reference('fk_messages_chat_id', 'chat_id', 'chats', 'CASCADE'),
          reference('fk_messages_sender_id', 'sender_id', 'users'),
        ],
        withoutRowid: true,
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'files',
        columns: [
          varchar('uuid', 36, primary),
          int('chat_id', nullable),
          bigint('seq', nullable),
          int('sender_id'),
          varchar('filename', 255),
          bigint('created_at'),
          varchar('storage_key', 64, nullable),
          bigint('size', nullable),
          varchar('content_type', 127, nullable),
          varchar('sha256', 64, nullable),
        ],
        indices: [index('ix_files_message', 'chat_id', 'seq')],
        foreignKeys: [
          {
            name: 'fk_files_message',
            columnNames: ['chat_id', 'seq'],
            referencedTableName: 'messages',
            referencedColumnNames: ['chat_id', 'seq'],
            onDelete: 'SET NULL',
            onUpdate: 'NO ACTION',
          },
        ],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'uploads',
        columns: [varchar('storage_key', 64, primary), bigint('started_at')],
        indices: [index('ix_uploads_started_at', 'started_at')],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'rooms',
        columns: [id, int('chat_id'), varchar('name', 64), varchar('password_hash', 255, nullable)],
        ...unique(mysql, { uq_rooms_chat_id: 'chat_id', uq_rooms_name: 'name' }),
        foreignKeys: [reference('fk_rooms_chat_id', 'chat_id', 'chats', 'CASCADE')],
      }),
    );
    await queryRunner.createTable(
      new Table({
        name: 'room_attempts',
        columns: [id, int('room_id'), int('user_id'), bigint('tried_at')],
        indices: [
          index('ix_room_attempts', 'room_id', 'user_id', 'tried_at'),
          index('ix_room_attempts_user_id', 'user_id'),
        ],
        foreignKeys: [
          reference('fk_room_attempts_room_id', 'room_id', 'rooms', 'CASCADE'),
          reference('fk_room_attempts_user_id', 'user_id', 'users', 'CASCADE'),
        ],
      }),
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of TABLES.toReversed()) {
      await queryRunner.dropTable(table);
    }
  }
}

function index(name: string, ...columnNames: string[]): TableIndexOptions {
  return { name, columnNames };
}

/** TypeORM knows a unique column of MySQL as an index, and one of SQLite as a constraint. */
function unique(mysql: boolean, names: Record<string, string>, indices: TableIndexOptions[] = []) {
  const entries = Object.entries(names);
  return mysql
    ? {
        indices: [
          ...indices,
          ...entries.map(([name, column]) => ({ ...index(name, column), isUnique: true })),
        ],
      }
    : { indices, uniques: entries.map(([name, column]) => ({ name, columnNames: [column] })) };
}

function reference(
  name: string,
  column: string,
  table: string,
  onDelete = 'NO ACTION',
): TableForeignKeyOptions {
  const names = { columnNames: [column], referencedTableName: table, referencedColumnNames: ['id'] };
  return { name, ...names, onDelete, onUpdate: 'NO ACTION' };
}
