import { type MigrationInterface, type QueryRunner, Table } from 'typeorm';

/** Counts hits of all shared limits in one table, instead of wrong room passwords alone. */
export class LimitCounters1795900000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const { type } = queryRunner.connection.options;
    const collation = type === 'mariadb' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
    const binary = isSqlite(queryRunner) ? {} : { charset: 'utf8mb4', collation };
    const integer = isSqlite(queryRunner) ? 'integer' : 'int';
    await queryRunner.createTable(
      new Table({
        name: 'limit_counters',
        columns: [
          { name: 'name', type: 'varchar', length: '32', isPrimary: true, ...binary },
          { name: 'subject', type: 'varchar', length: '64', isPrimary: true, ...binary },
          { name: 'hits', type: integer },
          { name: 'started_at', type: 'bigint' },
        ],
        indices: [{ name: 'ix_limit_counters_started_at', columnNames: ['started_at'] }],
        withoutRowid: true,
      }),
      true,
    );
    await queryRunner.dropTable('room_attempts', true);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const integer = isSqlite(queryRunner) ? 'integer' : 'int';
    await queryRunner.createTable(
      new Table({
        name: 'room_attempts',
        columns: [
          { name: 'id', type: integer, isPrimary: true, isGenerated: true, generationStrategy: 'increment' },
          { name: 'room_id', type: integer },
          { name: 'user_id', type: integer },
          { name: 'tried_at', type: 'bigint' },
        ],
        indices: [
          { name: 'ix_room_attempts', columnNames: ['room_id', 'user_id', 'tried_at'] },
          { name: 'ix_room_attempts_user_id', columnNames: ['user_id'] },
        ],
        foreignKeys: [reference('room_id', 'rooms'), reference('user_id', 'users')],
      }),
      true,
    );
    await queryRunner.dropTable('limit_counters', true);
  }
}

function reference(column: string, table: string) {
  return {
    name: `fk_room_attempts_${column}`,
    columnNames: [column],
    referencedTableName: table,
    referencedColumnNames: ['id'],
    onDelete: 'CASCADE',
    onUpdate: 'NO ACTION',
  };
}

function isSqlite(queryRunner: QueryRunner): boolean {
  return queryRunner.connection.options.type === 'better-sqlite3';
}
