import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Members from before start with everything read. */
export class ReadState1796100000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // MySQL commits each step by itself, so an earlier run may have been cut off after the first one.
    if (!(await queryRunner.hasColumn('members', 'read_next'))) {
      // TypeORM would recreate SQLite's table.
      await queryRunner.query('ALTER TABLE members ADD COLUMN read_next bigint NOT NULL DEFAULT 0');
    }
    await queryRunner.query(
      'UPDATE members SET read_next = COALESCE((SELECT next_seq FROM chats WHERE id = chat_id), 0)',
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE members DROP COLUMN read_next');
  }
}
