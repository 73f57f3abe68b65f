import { Injectable } from '@nestjs/common';
import { Reader } from '../database/unit-of-work.js';
import { MESSAGE_COLUMNS, type MessageRow, toMessage } from '../messages/message-row.js';
import type { UserDto } from '../users/dto/users.dto.js';
import type { ChatDto } from './dto/chats.dto.js';

type ChatRow = { id: number; uuid: string; chat_name: string } & (MessageRow | { seq: null });

@Injectable()
export class ChatsRepository {
  constructor(private readonly reader: Reader) {}

  /** All chats of a user, the latest activity first, or the one given: two queries, however many chats. */
  async findOf(userId: number, chatId?: number): Promise<ChatDto[]> {
    const one = chatId === undefined ? '' : 'AND mine.chat_id = ?';
    const parameters = chatId === undefined ? [userId] : [userId, chatId];
    const [chats, members] = await Promise.all([
      this.reader.query<ChatRow>(
        `SELECT c.id, c.uuid, c.name AS chat_name, ${MESSAGE_COLUMNS} FROM members mine
         JOIN chats c ON c.id = mine.chat_id
         LEFT JOIN messages m ON m.chat_id = c.id AND m.seq = (
           -- Not MAX: MariaDB would read the whole chat for it.
           SELECT seq FROM messages WHERE chat_id = c.id ORDER BY seq DESC LIMIT 1)
         LEFT JOIN users u ON u.id = m.sender_id
         WHERE mine.user_id = ? ${one} ORDER BY c.last_sent_at DESC, c.id DESC`,
        parameters,
      ),
      this.reader.query<UserDto & { chat_id: number }>(
        `SELECT their.chat_id, u.name, u.username FROM members mine
         JOIN members their ON their.chat_id = mine.chat_id
         JOIN users u ON u.id = their.user_id
         WHERE mine.user_id = ? ${one} ORDER BY their.since`,
        parameters,
      ),
    ]);
    const usersOf = new Map<number, UserDto[]>(chats.map(({ id }) => [id, []]));
    for (const { chat_id, name, username } of members) usersOf.get(chat_id)?.push({ name, username });
    return chats.map((row) => ({
      uuid: row.uuid,
      name: row.chat_name,
      users: usersOf.get(row.id) ?? [],
      messages: row.seq === null ? [] : [toMessage(row)],
    }));
  }
}
