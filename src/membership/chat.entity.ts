import { Column, Entity, ForeignKey, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';

@Entity('chats')
@Unique('uq_chats_uuid', ['uuid'])
@Index('ix_chats_owner_id', ['ownerId'])
export class Chat {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('varchar', { length: 36 })
  uuid!: string;

  @Column('varchar', { length: 128 })
  name!: string;

  @Column('int', { name: 'owner_id', nullable: true })
  @ForeignKey('users', { name: 'fk_chats_owner_id' })
  ownerId!: number | null;

  /** Whether it stays when its last member leaves, as rooms do. */
  @Column('boolean', { name: 'is_permanent' })
  isPermanent!: boolean;

  /** The index that the next message gets. */
  @Column('bigint', { name: 'next_seq' })
  nextSeq!: number;

  /** How many messages are gone: none, and a page needs no counting. */
  @Column('bigint', { name: 'deleted_count' })
  deletedCount!: number;

  /** When the last message was sent, in microseconds: the chat's latest activity. */
  @Column('bigint', { name: 'last_sent_at' })
  lastSentAt!: number;
}
