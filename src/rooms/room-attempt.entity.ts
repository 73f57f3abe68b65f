import { Column, Entity, ForeignKey, Index, PrimaryGeneratedColumn } from 'typeorm';

/** An attempt at a private room's password. Inserted before the password is checked, deleted if it is right. */
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

  @Column('bigint', { name: 'tried_at' })
  triedAt!: number;
}
