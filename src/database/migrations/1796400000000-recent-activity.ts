import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';

const INDEXES: [table: string, index: TableIndex][] = [
  ['chats', new TableIndex({ name: 'ix_chats_last_sent_at', columnNames: ['last_sent_at'] })],
  ['chats', new TableIndex({ name: 'ix_chats_last_change_at', columnNames: ['last_change_at'] })],
  ['members', new TableIndex({ name: 'ix_members_read_at', columnNames: ['read_at'] })],
];

/** Lets each instance find the latest changes of all chats, whichever instance made them. */
export class RecentActivity1796400000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const [table, index] of INDEXES) {
      // MySQL commits each step by itself, so an earlier run may have been cut off in between.
      if (!(await hasIndex(queryRunner, table, index))) await queryRunner.createIndex(table, index);
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const [table, index] of INDEXES) {
      if (await hasIndex(queryRunner, table, index)) await queryRunner.dropIndex(table, index);
    }
  }
}

async function hasIndex(queryRunner: QueryRunner, table: string, { name }: TableIndex): Promise<boolean> {
  const found = await queryRunner.getTable(table);
  return found?.indices.some((index) => index.name === name) ?? false;
}
