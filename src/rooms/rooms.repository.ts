import { Injectable } from '@nestjs/common';
import { Reader } from '../database/unit-of-work.js';

export interface RoomRow {
  id: number;
  name: string;
  /** `null`: the room is public. */
  passwordHash: string | null;
  chatId: number;
  chatUuid: string;
}

export interface PublicRoomRow {
  id: number;
  name: string;
  joined: number;
}

export type OwnRoomRow = RoomRow & { joinedAt: number };

const ROOM_COLUMNS = 'r.id, r.name, r.password_hash AS passwordHash, r.chat_id AS chatId, c.uuid AS chatUuid';

/** Reads rooms in SQL, because each query joins them with chats, members or users. */
@Injectable()
export class RoomsRepository {
  constructor(private readonly reader: Reader) {}

  async findByName(name: string): Promise<RoomRow | undefined> {
    const [room] = await this.reader.query<RoomRow>(
      `SELECT ${ROOM_COLUMNS} FROM rooms r JOIN chats c ON c.id = r.chat_id WHERE r.name = ?`,
      [name],
    );
    return room;
  }

  async find(id: number): Promise<RoomRow | undefined> {
    const [room] = await this.reader.query<RoomRow>(
      `SELECT ${ROOM_COLUMNS} FROM rooms r JOIN chats c ON c.id = r.chat_id WHERE r.id = ?`,
      [id],
    );
    return room;
  }

  /** Returns up to `limit` public rooms with ids above `after`, in the order of the ids. `joined` is 0 or 1. */
  findPublic(userId: number, after: number, limit: number): Promise<PublicRoomRow[]> {
    return this.reader.query(
      `SELECT r.id, r.name, m.user_id IS NOT NULL AS joined FROM rooms r
       LEFT JOIN members m ON m.chat_id = r.chat_id AND m.user_id = ?
       WHERE r.password_hash IS NULL AND r.id > ? ORDER BY r.id LIMIT ?`,
      [userId, after, limit],
    );
  }

  /** Returns up to `limit` rooms of the user with ids above `after`, in the order of the ids. */
  findOf(userId: number, after: number, limit: number): Promise<OwnRoomRow[]> {
    return this.reader.query(
      `SELECT ${ROOM_COLUMNS}, m.joined_at AS joinedAt FROM members m
       JOIN rooms r ON r.chat_id = m.chat_id JOIN chats c ON c.id = m.chat_id
       WHERE m.user_id = ? AND r.id > ? ORDER BY r.id LIMIT ?`,
      [userId, after, limit],
    );
  }
}
