import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/**
 * The file of a message: first a link that its sender uploads to, then the bytes in the storage. When the
 * message goes, whyever, the database takes its key from here, and the sweeper removes bytes and row.
 */
@Entity('files')
@Index('ix_files_message', ['chatId', 'seq'])
@ForeignKey('messages', ['chatId', 'seq'], ['chatId', 'seq'], {
  onDelete: 'SET NULL',
  name: 'fk_files_message',
})
export class File {
  @PrimaryColumn('varchar', { length: 36 })
  uuid!: string;

  /** The message's chat; `null`: the message is gone. */
  @Column('int', { name: 'chat_id', nullable: true })
  chatId!: number | null;

  @Column('bigint', { nullable: true })
  seq!: number | null;

  @Column('int', { name: 'sender_id' })
  senderId!: number;

  /** As told: a file's when the message was sent, an image's with the upload. */
  @Column('varchar', { length: 255 })
  filename!: string;

  /** When the link was made, in microseconds. */
  @Column('bigint', { name: 'created_at' })
  createdAt!: number;

  /** Where the bytes are; `null`: not uploaded. */
  @Column('varchar', { name: 'storage_key', length: 64, nullable: true })
  storageKey!: string | null;

  @Column('bigint', { nullable: true })
  size!: number | null;

  @Column('varchar', { name: 'content_type', length: 127, nullable: true })
  contentType!: string | null;

  /** Of the bytes, in hexadecimal. */
  @Column('varchar', { length: 64, nullable: true })
  sha256!: string | null;
}
