import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

/** Lets each instance find the tokens that were revoked through another instance. */
export class Revocations1796300000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const { type } = queryRunner.connection.options;
    const isSqlite = type === 'better-sqlite3';
    const collation = type === 'mariadb' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
    const binary = isSqlite ? {} : { charset: 'utf8mb4', collation };
    await queryRunner.createTable(
      new Table({
        name: 'revocations',
        columns: [
          { name: 'at', type: 'bigint', isPrimary: true },
          { name: 'user_id', type: isSqlite ? 'integer' : 'int', isPrimary: true },
          { name: 'token_id', type: 'varchar', length: '36', isPrimary: true, ...binary },
        ],
        withoutRowid: true,
      }),
      true,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('revocations', true);
  }
}
