import { Injectable } from '@nestjs/common';
import { Reader } from '../database/unit-of-work.js';
import { FilesRepository } from '../files/files.repository.js';
import { MESSAGE_COLUMNS, type MessageRow, toMessages } from '../messages/message-row.js';
import type { UserDto } from '../users/dto/users.dto.js';
import type { ChatDto } from './dto/chats.dto.js';

type ChatRow = { id: number; uuid: string; chat_name: string } & (MessageRow | { seq: null });

@Injectable()
export class ChatsRepository {
  constructor(
    private readonly reader: Reader,
    private readonly files: FilesRepository,
  ) {}

  /** All chats of a user, the latest activity first, or the one given: two queries, and a third for files, however many chats. */
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
    const rows = chats.filter((row) => row.seq !== null);
    const latest = await toMessages(rows, this.files);
    const messageOf = new Map(rows.map(({ id }, index) => [id, latest[index]]));
    return chats.map(({ id, uuid, chat_name }) => {
      const message = messageOf.get(id);
      return { uuid, name: chat_name, users: usersOf.get(id) ?? [], messages: message ? [message] : [] };
    });
  }
}
