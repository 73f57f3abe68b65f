import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Hits of a shared limit in the present period. */
@Entity('limit_counters')
@Index('ix_limit_counters_started_at', ['startedAt'])
export class LimitCounter {
  /** The limit's name. */
  @PrimaryColumn('varchar', { length: 32 })
  name!: string;

  /** Whom it limits: a digest, because the table need not know names and addresses. */
  @PrimaryColumn('varchar', { length: 64 })
  subject!: string;

  @Column('int')
  hits!: number;

  /** When the period began, in microseconds. */
  @Column('bigint', { name: 'started_at' })
  startedAt!: number;
}
