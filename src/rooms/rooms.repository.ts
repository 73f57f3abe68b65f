import { Injectable } from '@nestjs/common';
import { Reader } from '../database/unit-of-work.js';

export interface RoomRow {
  id: number;
  name: string;
  password_hash: string | null;
  chat_id: number;
  chat_uuid: string;
}

const ROOM = `SELECT r.id, r.name, r.password_hash, r.chat_id, c.uuid AS chat_uuid
  FROM rooms r JOIN chats c ON c.id = r.chat_id`;

@Injectable()
export class RoomsRepository {
  constructor(private readonly reader: Reader) {}

  async findByName(name: string): Promise<RoomRow | undefined> {
    const [room] = await this.reader.query<RoomRow>(`${ROOM} WHERE r.name = ?`, [name]);
    return room;
  }

  async find(id: number): Promise<RoomRow | undefined> {
    const [room] = await this.reader.query<RoomRow>(`${ROOM} WHERE r.id = ?`, [id]);
    return room;
  }

  /** The public rooms by name, and whether the user is in them. */
  findPublic(userId: number): Promise<{ id: number; name: string; member: number | null }[]> {
    return this.reader.query(
      `SELECT r.id, r.name, m.user_id AS member FROM rooms r
       LEFT JOIN members m ON m.chat_id = r.chat_id AND m.user_id = ?
       WHERE r.password_hash IS NULL ORDER BY r.name`,
      [userId],
    );
  }

  /** The user's rooms, the one joined last first. */
  findOf(userId: number): Promise<(RoomRow & { joined_at: number })[]> {
    return this.reader.query(
      `SELECT r.id, r.name, r.password_hash, r.chat_id, c.uuid AS chat_uuid, m.joined_at FROM members m
       JOIN rooms r ON r.chat_id = m.chat_id JOIN chats c ON c.id = m.chat_id
       WHERE m.user_id = ? ORDER BY m.joined_at DESC`,
      [userId],
    );
  }

  /** The members' usernames, the longest-standing first. */
  async findMembers(chatId: number): Promise<string[]> {
    const rows = await this.reader.query<{ username: string }>(
      'SELECT u.username FROM members m JOIN users u ON u.id = m.user_id WHERE m.chat_id = ? ORDER BY m.since',
      [chatId],
    );
    return rows.map(({ username }) => username);
  }
}
