import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

export const ABORTED = 0;

/** An unfinished upload. Committed before its first byte is stored, so that the sweeper can remove it after a crash. */
@Entity('uploads')
@Index('ix_uploads_started_at', ['startedAt'])
export class Upload {
  @PrimaryColumn('varchar', { name: 'storage_key', length: 64 })
  storageKey!: string;

  /** In microseconds. {@link ABORTED} when the upload must not finish. */
  @Column('bigint', { name: 'started_at' })
  startedAt!: number;
}
