import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** How the database names the rule that a user has each key once. */
export const UNIQUE_KEY = { table: 'idempotency_keys', column: 'key_text', index: 'PRIMARY' };

/** The answer to a request that a user sent under a key. */
@Entity('idempotency_keys', { withoutRowid: true })
@Index('ix_idempotency_keys_created_at', ['createdAt'])
export class IdempotencyKey {
  @PrimaryColumn('int', { name: 'user_id' })
  userId!: number;

  /** `key` is a reserved word in SQL. */
  @PrimaryColumn('varchar', { name: 'key_text', length: 255 })
  key!: string;

  /** SHA-256 of the request, in hexadecimal digits. */
  @Column('varchar', { length: 64 })
  digest!: string;

  /** The data of the answer as JSON. */
  @Column('text')
  answer!: string;

  /** In microseconds. */
  @Column('bigint', { name: 'created_at' })
  createdAt!: number;
}
