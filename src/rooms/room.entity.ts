import { Column, Entity, ForeignKey, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';

export const ROOM_NAME_TAKEN = { table: 'rooms', column: 'name', index: 'uq_rooms_name' };

/** The name by which users join a chat. Members, messages and files belong to the chat. */
@Entity('rooms')
@Unique('uq_rooms_chat_id', ['chatId'])
@Unique(ROOM_NAME_TAKEN.index, ['name'])
@Index('ix_rooms_password_hash', ['passwordHash'])
export class Room {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('int', { name: 'chat_id' })
  @ForeignKey('chats', { onDelete: 'CASCADE', name: 'fk_rooms_chat_id' })
  chatId!: number;

  /** The chat's name as well; unique, compared exactly. */
  @Column('varchar', { length: 64 })
  name!: string;

  /** argon2id; `null`: public. */
  @Column('varchar', { name: 'password_hash', length: 255, nullable: true })
  passwordHash!: string | null;
}
