import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** A message, kept where its chat's others are: a page is one range of the primary key. */
@Entity('messages', { withoutRowid: true })
export class Message {
  @PrimaryColumn('int', { name: 'chat_id' })
  @ForeignKey('chats', { onDelete: 'CASCADE', name: 'fk_messages_chat_id' })
  chatId!: number;

  /** The message's `index` in the contract, a name that SQL keeps for itself. */
  @PrimaryColumn('bigint')
  seq!: number;

  /** No foreign key, which would want an index: see `SenderBlock`. */
  @Column('int', { name: 'sender_id' })
  senderId!: number;

  @Column('varchar', { length: 8 })
  type!: 'message' | 'image' | 'file';

  @Column('text')
  text!: string;

  /** The file of an image or file message; a copy of what `files` says, to be read without a join. */
  @Column('varchar', { name: 'file_uuid', length: 36, nullable: true })
  fileUuid!: string | null;

  /** In microseconds; strictly increasing within the chat. */
  @Column('bigint', { name: 'sent_at' })
  sentAt!: number;

  /** In microseconds, of the last edit. */
  @Column('bigint', { name: 'edited_at', nullable: true })
  editedAt!: number | null;
}
