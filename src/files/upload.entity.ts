import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * Bytes that are on their way into the storage. Written before the first of them and removed with the change
 * of the file's row: what a server that died has left behind is known by what is still here.
 */
@Entity('uploads')
@Index('ix_uploads_started_at', ['startedAt'])
export class Upload {
  @PrimaryColumn('varchar', { name: 'storage_key', length: 64 })
  storageKey!: string;

  /** In microseconds. */
  @Column('bigint', { name: 'started_at' })
  startedAt!: number;
}
