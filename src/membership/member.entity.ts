import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

@Entity('members', { withoutRowid: true })
@Index('ix_members_user_id', ['userId'])
@Index('ix_members_since', ['chatId', 'since'])
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
}
