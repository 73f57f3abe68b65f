import { Injectable } from '@nestjs/common';
import { Batcher } from '../database/batcher.js';
import type { SqlValue } from '../database/driver.js';
import { chunks, placeholders, Reader } from '../database/unit-of-work.js';
import { MessageAssembler } from '../messages/message-assembler.js';
import { MESSAGE_COLUMNS, type MessageRow } from '../messages/message-row.js';
import type { UserDto } from '../users/dto/users.dto.js';
import { UserNamesRepository } from '../users/user-names.repository.js';
import type { ChatDto } from './dto/chats.dto.js';

/** Lists that are read together. More would save little time and hold the rows of more lists in memory. */
const MAX_LISTS = 4;

/** A chat of a user, with the message sent last; `seq` is null when that one is deleted, even if older ones remain. */
type ChatRow = ChatColumns & (MessageRow | { seq: null });

interface ChatColumns {
  reader_id: number;
  id: number;
  uuid: string;
  name: string;
  is_empty: number;
  last_sent_at: number;
}

interface MemberRow {
  reader_id: number;
  chat_id: number;
  user_id: number;
  since: number;
}

type LatestRow = { id: number } & MessageRow;

/** Lists chats in SQL, because clients do so at each start. Sorts here: MariaDB would fill a temporary table. */
@Injectable()
export class ChatsRepository {
  private readonly batcher: Batcher<number, ChatDto[]>;

  constructor(
    private readonly reader: Reader,
    private readonly names: UserNamesRepository,
    private readonly assembler: MessageAssembler,
  ) {
    this.batcher = new Batcher((userIds) => this.findAll(userIds), MAX_LISTS);
  }

  /** Returns all chats of a user, the latest activity first. The number of queries does not depend on the chats. */
  findOf(userId: number): Promise<ChatDto[]> {
    return this.batcher.add(userId);
  }

  async findOne(userId: number, chatId: number): Promise<ChatDto[]> {
    const [chats] = await this.findAll([userId], chatId);
    return chats;
  }

  private async findAll(userIds: number[], chatId?: number): Promise<ChatDto[][]> {
    const ids = [...new Set(userIds)];
    const where = `mine.user_id IN (${placeholders(ids.length)})${chatId === undefined ? '' : ' AND mine.chat_id = ?'}`;
    const values = chatId === undefined ? ids : [...ids, chatId];
    const [rows, members] = await Promise.all([this.chatsOf(where, values), this.membersOf(where, values)]);
    rows.sort((a, b) => b.last_sent_at - a.last_sent_at || b.id - a.id);
    const chats = new Map(rows.map((row) => [row.id, row]));

    const latest = await this.latestOf([...chats.values()]);
    const userNames = await this.names.findByIds(
      new Set([...members.map(({ user_id }) => user_id), ...latest.map(({ sender_id }) => sender_id)]),
    );
    const messages = await this.assembler.assemble(latest, userNames);
    const messageOf = new Map(latest.map(({ id }, index) => [id, messages[index]]));

    const usersOf = new Map<number, UserDto[]>();
    // A chat of several readers comes with its members once for each of them.
    const sourceOf = new Map(members.map(({ chat_id, reader_id }) => [chat_id, reader_id]));
    for (const { chat_id, user_id, reader_id } of members.toSorted((a, b) => a.since - b.since)) {
      const user = userNames.get(user_id);
      if (!user || sourceOf.get(chat_id) !== reader_id) continue;
      const users = usersOf.get(chat_id);
      if (users) users.push(user);
      else usersOf.set(chat_id, [user]);
    }
    // A reader may have joined or left between the queries.
    const isStillIn = new Set(
      members
        .filter(({ reader_id, user_id }) => reader_id === user_id)
        .map(({ reader_id, chat_id }) => `${reader_id} ${chat_id}`),
    );

    const chatDtos = new Map<number, ChatDto>();
    for (const { id, uuid, name } of chats.values()) {
      const message = messageOf.get(id);
      chatDtos.set(id, { uuid, name, users: usersOf.get(id) ?? [], messages: message ? [message] : [] });
    }
    return userIds.map((userId) =>
      rows
        .filter(({ reader_id, id }) => reader_id === userId && isStillIn.has(`${userId} ${id}`))
        .flatMap(({ id }) => chatDtos.get(id) ?? []),
    );
  }

  private chatsOf(where: string, values: SqlValue[]): Promise<ChatRow[]> {
    return this.reader.query(
      `SELECT mine.user_id AS reader_id, c.id, c.uuid, c.name, c.last_sent_at,
         c.next_seq = c.deleted_count AS is_empty, ${MESSAGE_COLUMNS}
       FROM members mine JOIN chats c ON c.id = mine.chat_id
       LEFT JOIN messages m ON m.chat_id = c.id AND m.seq = c.next_seq - 1 WHERE ${where}`,
      values,
    );
  }

  private membersOf(where: string, values: SqlValue[]): Promise<MemberRow[]> {
    return this.reader.query(
      `SELECT mine.user_id AS reader_id, their.chat_id, their.user_id, their.since
       FROM members mine JOIN members their ON their.chat_id = mine.chat_id WHERE ${where}`,
      values,
    );
  }

  private async latestOf(chats: ChatRow[]): Promise<LatestRow[]> {
    const latest: LatestRow[] = chats.filter((chat) => chat.seq !== null);
    const others = chats.filter(({ seq, is_empty }) => seq === null && !is_empty).map(({ id }) => id);
    for (const some of chunks(others)) latest.push(...(await this.latestBeforeDeleted(some)));
    return latest;
  }

  /** Returns the latest messages of chats whose last one is deleted. */
  private latestBeforeDeleted(chatIds: number[]): Promise<LatestRow[]> {
    return this.reader.query(
      `SELECT c.id, ${MESSAGE_COLUMNS} FROM chats c JOIN messages m ON m.chat_id = c.id AND m.seq = (
         -- Not MAX: MariaDB would read the whole chat for it.
         SELECT seq FROM messages WHERE chat_id = c.id ORDER BY seq DESC LIMIT 1)
       WHERE c.id IN (${placeholders(chatIds.length)})`,
      chatIds,
    );
  }
}
