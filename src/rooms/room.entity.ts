import { Column, Entity, ForeignKey, PrimaryGeneratedColumn, Unique } from 'typeorm';

export const ROOM_NAME_TAKEN = { table: 'rooms', column: 'name', index: 'uq_rooms_name' };

/** A chat's name to join it by. Members, messages and files are the chat's. */
@Entity('rooms')
@Unique('uq_rooms_chat_id', ['chatId'])
@Unique(ROOM_NAME_TAKEN.index, ['name'])
export class Room {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column('int', { name: 'chat_id' })
  @ForeignKey('chats', { onDelete: 'CASCADE', name: 'fk_rooms_chat_id' })
  chatId!: number;

  /** As the chat's; unique, compared exactly. */
  @Column('varchar', { length: 64 })
  name!: string;

  /** argon2id; `null`: public. */
  @Column('varchar', { name: 'password_hash', length: 255, nullable: true })
  passwordHash!: string | null;
}
