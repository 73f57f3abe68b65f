import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A user's membership of a chat. */
@Entity('members', { withoutRowid: true })
@Index('ix_members_user_id', ['userId'])
@Index('ix_members_since', ['chatId', 'since'])
export class Member {
  @PrimaryColumn('int', { name: 'chat_id' })
  @ForeignKey('chats', { onDelete: 'CASCADE', name: 'fk_members_chat_id' })
  chatId!: number;

  @PrimaryColumn('int', { name: 'user_id' })
  @ForeignKey('users', { name: 'fk_members_user_id' })
  userId!: number;

  /** Seniority: since when, in microseconds; no two members of a chat have the same. */
  @Column('bigint')
  since!: number;

  /** When the user last joined, in microseconds: joining a room again renews it, and not `since`. */
  @Column('bigint', { name: 'joined_at' })
  joinedAt!: number;
}
