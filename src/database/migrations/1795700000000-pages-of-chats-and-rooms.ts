import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';

const PUBLIC_ROOMS = new TableIndex({ name: 'ix_rooms_password_hash', columnNames: ['password_hash'] });

/** Counts members, so that a page of chats does not count the members of large chats. Finds public rooms by id. */
export class PagesOfChatsAndRooms1795700000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // Not addColumn: on SQLite that drops the table `chats` and makes it anew.
    if (!(await queryRunner.hasColumn('chats', 'member_count'))) {
      await queryRunner.query('ALTER TABLE chats ADD COLUMN member_count integer NOT NULL DEFAULT 0');
    }
    await queryRunner.query(
      'UPDATE chats SET member_count = (SELECT COUNT(*) FROM members WHERE chat_id = chats.id)',
    );
    await queryRunner.dropIndex('rooms', 'ix_rooms_password_hash', true);
    await queryRunner.createIndex('rooms', PUBLIC_ROOMS);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropIndex('rooms', PUBLIC_ROOMS);
    await queryRunner.query('ALTER TABLE chats DROP COLUMN member_count');
  }
}
