import { randomUUID } from 'node:crypto';
import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

export class DatabaseEpoch1795600000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const { type } = queryRunner.connection.options;
    const collation = type === 'mariadb' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
    const binary = type === 'better-sqlite3' ? {} : { charset: 'utf8mb4', collation };
    await queryRunner.createTable(
      new Table({
        name: 'database_epoch',
        columns: [{ name: 'epoch', type: 'varchar', length: '36', isPrimary: true, ...binary }],
      }),
      true,
    );
    // On MySQL a run that was cut off may have inserted a row already.
    await queryRunner.query('DELETE FROM database_epoch');
    await queryRunner.query('INSERT INTO database_epoch (epoch) VALUES (?)', [randomUUID()]);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('database_epoch');
  }
}
