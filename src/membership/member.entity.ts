import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Entity('members', { withoutRowid: true })
@Index('ix_members_user_id', ['userId'])
@Index('ix_members_since', ['chatId', 'since'])
@Index('ix_members_read_at', ['readAt'])
export class Member {
  @PrimaryColumn('int', { name: 'chat_id' })
  chatId!: number;

  @PrimaryColumn('int', { name: 'user_id' })
  userId!: number;

  /** The start of the membership in microseconds, unique within the chat: orders members by seniority. */
  @Column('bigint')
  since!: number;

  /** In microseconds. Joining a room again sets a new time here, while `since` keeps the first one. */
  @Column('bigint', { name: 'joined_at' })
  joinedAt!: number;

  /** The index after the last message that the user has read. */
  @Column('bigint', { name: 'read_next', default: 0 })
  readNext!: number;

  /** When the user last marked messages as read, in microseconds. Sending is not counted. */
  @Column('bigint', { name: 'read_at', default: 0 })
  readAt!: number;
}
