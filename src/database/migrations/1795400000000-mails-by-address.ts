import { type MigrationInterface, type QueryRunner, TableIndex } from 'typeorm';

/** Finds the mails to one address that still wait: they are sent in their order. */
const INDEX = new TableIndex({ name: 'ix_mails_address', columnNames: ['address', 'state'] });

export class MailsByAddress1795400000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.createIndex('mails', INDEX);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropIndex('mails', INDEX);
  }
}
