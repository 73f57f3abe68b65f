import { Column, Entity, ForeignKey, Index, PrimaryGeneratedColumn } from 'typeorm';

/** A try at a private room's password, counted before it is compared; a right one is taken back. */
@Entity('room_attempts')
@Index('ix_room_attempts', ['roomId', 'userId', 'triedAt'])
@Index('ix_room_attempts_user_id', ['userId'])
export class RoomAttempt {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('int', { name: 'room_id' })
  @ForeignKey('rooms', { onDelete: 'CASCADE', name: 'fk_room_attempts_room_id' })
  roomId!: number;

  @Column('int', { name: 'user_id' })
  @ForeignKey('users', { onDelete: 'CASCADE', name: 'fk_room_attempts_user_id' })
  userId!: number;

  /** In microseconds. */
  @Column('bigint', { name: 'tried_at' })
  triedAt!: number;
}
