import { Column, Entity, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';

@Entity('chats')
@Unique('uq_chats_uuid', ['uuid'])
@Index('ix_chats_owner_id', ['ownerId'])
@Index('ix_chats_last_sent_at', ['lastSentAt'])
@Index('ix_chats_last_change_at', ['lastChangeAt'])
export class Chat {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('varchar', { length: 36 })
  uuid!: string;

  @Column('varchar', { length: 128 })
  name!: string;

  @Column('int', { name: 'owner_id', nullable: true })
  ownerId!: number | null;

  /** Whether the chat stays when its last member leaves, as rooms do. */
  @Column('boolean', { name: 'is_permanent' })
  isPermanent!: boolean;

  /** The index of the next message. */
  @Column('bigint', { name: 'next_seq' })
  nextSeq!: number;

  /** Number of deleted messages. While it is 0, a page's position follows from the index. */
  @Column('bigint', { name: 'deleted_count' })
  deletedCount!: number;

  /** When the last message was sent, in microseconds. */
  @Column('bigint', { name: 'last_sent_at' })
  lastSentAt!: number;

  /** The time of the last change that is no new message, in microseconds. */
  @Column('bigint', { name: 'last_change_at', default: 0 })
  lastChangeAt!: number;

  @Column('int', { name: 'member_count', default: 0 })
  memberCount!: number;
}
