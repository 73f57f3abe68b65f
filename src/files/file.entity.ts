import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** An upload link until `storageKey` is set. Deleting the message sets `chatId` and `seq` to NULL. */
@Entity('files')
@Index('ix_files_message', ['chatId', 'seq'])
@ForeignKey('messages', ['chatId', 'seq'], ['chatId', 'seq'], {
  onDelete: 'SET NULL',
  name: 'fk_files_message',
})
export class File {
  @PrimaryColumn('varchar', { length: 36 })
  uuid!: string;

  @Column('int', { name: 'chat_id', nullable: true })
  chatId!: number | null;

  @Column('bigint', { nullable: true })
  seq!: number | null;

  @Column('int', { name: 'sender_id' })
  senderId!: number;

  @Column('varchar', { length: 255 })
  filename!: string;

  /** In microseconds. */
  @Column('bigint', { name: 'created_at' })
  createdAt!: number;

  @Column('varchar', { name: 'storage_key', length: 64, nullable: true })
  storageKey!: string | null;

  @Column('bigint', { nullable: true })
  size!: number | null;

  @Column('varchar', { name: 'content_type', length: 127, nullable: true })
  contentType!: string | null;

  @Column('varchar', { length: 64, nullable: true })
  sha256!: string | null;
}
