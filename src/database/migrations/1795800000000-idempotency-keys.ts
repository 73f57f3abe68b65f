import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

/** Keeps the answers to requests that were sent under a key of the client. */
export class IdempotencyKeys1795800000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const { type } = queryRunner.connection.options;
    const mysql = type !== 'better-sqlite3';
    const collation = type === 'mariadb' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
    const binary = mysql ? { charset: 'utf8mb4', collation } : {};
    await queryRunner.createTable(
      new Table({
        name: 'idempotency_keys',
        columns: [
          { name: 'user_id', type: mysql ? 'int' : 'integer', isPrimary: true },
          { name: 'key_text', type: 'varchar', length: '255', isPrimary: true, ...binary },
          { name: 'digest', type: 'varchar', length: '64', ...binary },
          { name: 'answer', type: 'text', ...binary },
          { name: 'created_at', type: 'bigint' },
        ],
        indices: [{ name: 'ix_idempotency_keys_created_at', columnNames: ['created_at'] }],
        foreignKeys: [
          {
            name: 'fk_idempotency_keys_user_id',
            columnNames: ['user_id'],
            referencedTableName: 'users',
            referencedColumnNames: ['id'],
            onDelete: 'CASCADE',
            onUpdate: 'NO ACTION',
          },
        ],
        withoutRowid: true,
      }),
      true,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('idempotency_keys', true);
  }
}
