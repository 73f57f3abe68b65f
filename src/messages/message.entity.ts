import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A message. The key orders a chat's messages, so that a page is one range of it. */
@Entity('messages', { withoutRowid: true })
export class Message {
  @PrimaryColumn('int', { name: 'chat_id' })
  chatId!: number;

  /** The contract's `index`, which is a reserved word in SQL. */
  @PrimaryColumn('bigint')
  seq!: number;

  /** Has no index: see `SenderBlock`. */
  @Column('int', { name: 'sender_id' })
  senderId!: number;

  @Column('varchar', { length: 8 })
  type!: 'message' | 'image' | 'file';

  @Column('text')
  text!: string;

  /** Copied from `files`, so that a page needs no join. */
  @Column('varchar', { name: 'file_uuid', length: 36, nullable: true })
  fileUuid!: string | null;

  /** In microseconds, strictly increasing within the chat. */
  @Column('bigint', { name: 'sent_at' })
  sentAt!: number;

  /** Time of the last edit, in microseconds. */
  @Column('bigint', { name: 'edited_at', nullable: true })
  editedAt!: number | null;
}
