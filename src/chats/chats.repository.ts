import { Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import { placeholders, padded, Reader } from '../database/unit-of-work.js';
import type { MessageDto } from '../messages/dto/messages.dto.js';
import { MessageAssembler } from '../messages/message-assembler.js';
import { MESSAGE_COLUMNS, type MessageRow } from '../messages/message-row.js';
import type { UserDto } from '../users/dto/users.dto.js';
import { UserNames } from '../users/user-names.js';
import type { ChatDto } from './dto/chats.dto.js';

/** A chat, with the last message that was sent unless that is deleted. */
type ChatRow = ChatColumns & (MessageRow | { seq: null });

interface ChatColumns {
  id: number;
  uuid: string;
  name: string;
  is_empty: number;
  last_sent_at: number;
}

/** A message, and the chat that it is the latest of. */
type LatestRow = { id: number } & MessageRow;

@Injectable()
export class ChatsRepository {
  /** A list may be long: a few are put together at a time, so that memory holds the rows of no more. */
  private readonly limit = pLimit(2);

  constructor(
    private readonly reader: Reader,
    private readonly names: UserNames,
    private readonly assembler: MessageAssembler,
  ) {}

  /**
   * All chats of a user, the latest activity first: a fixed number of queries, however many chats.
   * They are put in order here: MariaDB would fill a temporary table for it, which doubles the time.
   */
  findOf(userId: number): Promise<ChatDto[]> {
    return this.limit(() => this.assemble(userId));
  }

  /** As {@link findOf}, this one chat or none. */
  findOne(userId: number, chatId: number): Promise<ChatDto[]> {
    return this.assemble(userId, chatId);
  }

  private async assemble(userId: number, chatId?: number): Promise<ChatDto[]> {
    const which = chatId === undefined ? 'mine.user_id = ?' : 'mine.user_id = ? AND mine.chat_id = ?';
    const values = chatId === undefined ? [userId] : [userId, chatId];
    const found = this.reader.query<ChatRow>(
      `SELECT c.id, c.uuid, c.name, c.last_sent_at, c.next_seq = c.deleted_count AS is_empty, ${MESSAGE_COLUMNS}
       FROM members mine JOIN chats c ON c.id = mine.chat_id
       LEFT JOIN messages m ON m.chat_id = c.id AND m.seq = c.next_seq - 1 WHERE ${which}`,
      values,
    );
    const [chats, latest, users] = await Promise.all([
      found,
      found.then((rows) => this.latestOf(rows)),
      this.usersOf(which, values),
    ]);
    chats.sort((a, b) => b.last_sent_at - a.last_sent_at || b.id - a.id);
    return chats.flatMap(({ id, uuid, name }) => {
      const message = latest.get(id);
      const members = users.get(id);
      // Joined or left between the queries: the chat was not there for all of them.
      return members ? [{ uuid, name, users: members, messages: message ? [message] : [] }] : [];
    });
  }

  /** The members by chat, the longest-standing first. */
  private async usersOf(which: string, values: number[]): Promise<Map<number, UserDto[]>> {
    const members = await this.reader.query<{ chat_id: number; user_id: number; since: number }>(
      `SELECT their.chat_id, their.user_id, their.since FROM members mine
       JOIN members their ON their.chat_id = mine.chat_id WHERE ${which}`,
      values,
    );
    members.sort((a, b) => a.since - b.since);
    const names = await this.names.find(new Set(members.map(({ user_id }) => user_id)));
    const users = new Map<number, UserDto[]>();
    for (const { chat_id, user_id } of members) {
      const name = names.get(user_id);
      const others = users.get(chat_id);
      if (name && others) others.push(name);
      else if (name) users.set(chat_id, [name]);
    }
    return users;
  }

  /** The latest messages that exist, by chat. */
  private async latestOf(chats: ChatRow[]): Promise<Map<number, MessageDto>> {
    const rows: LatestRow[] = chats.filter((chat) => chat.seq !== null);
    const others = chats.filter(({ seq, is_empty }) => seq === null && !is_empty).map(({ id }) => id);
    if (others.length > 0) rows.push(...(await this.beforeDeleted(others)));
    const messages = await this.assembler.assemble(rows);
    return new Map(
      rows.flatMap(({ id }, index) => {
        const message = messages[index];
        return message ? [[id, message] as const] : [];
      }),
    );
  }

  /** The last messages of chats whose very last one is deleted. */
  private async beforeDeleted(chatIds: number[]): Promise<LatestRow[]> {
    const rows: LatestRow[] = [];
    for (let start = 0; start < chatIds.length; start += 16_384) {
      rows.push(...(await this.beforeDeletedIn(padded(chatIds.slice(start, start + 16_384)))));
    }
    return rows;
  }

  private beforeDeletedIn(chatIds: number[]): Promise<LatestRow[]> {
    return this.reader.query(
      `SELECT c.id, ${MESSAGE_COLUMNS} FROM chats c JOIN messages m ON m.chat_id = c.id AND m.seq = (
         -- Not MAX: MariaDB would read the whole chat for it.
         SELECT seq FROM messages WHERE chat_id = c.id ORDER BY seq DESC LIMIT 1)
       WHERE c.id IN (${placeholders(chatIds.length)})`,
      chatIds,
    );
  }
}
