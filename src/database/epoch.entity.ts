import { Entity, PrimaryColumn } from 'typeorm';

/** Has one row. Distinguishes a restored database from the one that went on after the backup. */
@Entity('database_epoch')
export class DatabaseEpoch {
  @PrimaryColumn('varchar', { length: 36 })
  epoch!: string;
}
