import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** What happens in a chat besides sent messages, which are their own record. */
export const CHANGE_TYPES = [
  'chat.created',
  'chat.updated',
  /** Messages of an erased user have vanished. */
  'chat.limited',
  'message.updated',
  'message.deleted',
  'member.added',
  'member.left',
  'member.removed',
] as const;

export type ChangeType = (typeof CHANGE_TYPES)[number];

/**
 * A change of a chat, kept for 7 days so that clients can catch up, even if the chat is deleted. It refers to what has
 * changed and holds no copy of it.
 */
@Entity('chat_changes', { withoutRowid: true })
@Index('ix_chat_changes_user_id', ['userId', 'at'])
@Index('ix_chat_changes_at', ['at'])
export class ChatChange {
  @PrimaryColumn('int', { name: 'chat_id' })
  chatId!: number;

  /** In microseconds. Unique in a chat, and later than every earlier message and change of the chat. */
  @PrimaryColumn('bigint')
  at!: number;

  @Column('varchar', { length: 16 })
  type!: ChangeType;

  /** The index of the message that has changed. */
  @Column('bigint', { nullable: true })
  seq!: number | null;

  /** Who was added or removed, or has left. */
  @Column('int', { name: 'user_id', nullable: true })
  userId!: number | null;

  /** The JSON of a user who has left because the account is erased: nothing else knows the name then. */
  @Column('text', { name: 'erased_user', nullable: true })
  erasedUser!: string | null;
}
