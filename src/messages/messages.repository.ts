import { Injectable } from '@nestjs/common';
import { Reader, type SqlValue, type Transaction } from '../database/unit-of-work.js';
import { lockChats } from '../membership/membership.service.js';
import { MESSAGE_COLUMNS, type MessageRow } from './message-row.js';

export type Order = 'asc' | 'desc';

@Injectable()
export class MessagesRepository {
  constructor(private readonly reader: Reader) {}

  async find(chatId: number, seq: number): Promise<MessageRow | undefined> {
    const [row] = await this.reader.query<MessageRow>(
      `SELECT ${MESSAGE_COLUMNS} FROM messages m JOIN users u ON u.id = m.sender_id WHERE m.chat_id = ? AND m.seq = ?`,
      [chatId, seq],
    );
    return row;
  }

  async findSender(chatId: number, seq: number): Promise<number | undefined> {
    const [row] = await this.reader.query<{ sender_id: number }>(
      'SELECT sender_id FROM messages WHERE chat_id = ? AND seq = ?',
      [chatId, seq],
    );
    return row?.sender_id;
  }

  /** The `limit` messages next to index `seq`, which is not among them: the older ones are 'desc'. */
  nextTo(chatId: number, seq: number, order: Order, limit: number): Promise<MessageRow[]> {
    const condition = order === 'asc' ? 'seq > ?' : 'seq < ?';
    return this.range(chatId, { condition, values: [seq] }, order, limit, 0);
  }

  /**
   * The `limit` messages behind the first `offset` ones in that order, of those that exist. While none is
   * deleted the index tells where they are; else the database counts `offset` entries of the key.
   */
  async page(chatId: number, order: Order, offset: number, limit: number): Promise<MessageRow[]> {
    const [chat] = await this.reader.query<{ next_seq: number; deleted_count: number }>(
      'SELECT next_seq, deleted_count FROM chats WHERE id = ?',
      [chatId],
    );
    if (!chat || offset >= chat.next_seq - chat.deleted_count) return [];
    if (chat.deleted_count > 0)
      return this.range(chatId, { condition: '1 = 1', values: [] }, order, limit, offset);
    const before = order === 'asc' ? offset - 1 : chat.next_seq - offset;
    return this.nextTo(chatId, before, order, limit);
  }

  /** Joins the senders to the page, not to the chat: MariaDB would read and sort all of it first. */
  private range(
    chatId: number,
    { condition, values }: { condition: string; values: SqlValue[] },
    order: Order,
    limit: number,
    offset: number,
  ): Promise<MessageRow[]> {
    return this.reader.query<MessageRow>(
      `SELECT ${MESSAGE_COLUMNS} FROM (
         SELECT * FROM messages WHERE chat_id = ? AND ${condition} ORDER BY seq ${order} LIMIT ? OFFSET ?
       ) m JOIN users u ON u.id = m.sender_id ORDER BY m.seq ${order}`,
      [chatId, ...values, limit, offset],
    );
  }

  /** Removes messages for good; their indices stay unused. */
  async remove(tx: Transaction, chatId: number, seq: number): Promise<void> {
    await tx.execute('DELETE FROM messages WHERE chat_id = ? AND seq = ?', [chatId, seq]);
    await tx.execute('UPDATE chats SET deleted_count = deleted_count + 1 WHERE id = ?', [chatId]);
  }

  /** Removes all that a user has sent, wherever. */
  async removeSentBy(tx: Transaction, userId: number): Promise<void> {
    const chats = await tx.query<{ chat_id: number }>(
      'SELECT DISTINCT chat_id FROM messages WHERE sender_id = ?',
      [userId],
    );
    // Counts only behind the lock: somebody else may be deleting the same messages.
    await lockChats(
      tx,
      chats.map(({ chat_id }) => chat_id),
    );
    await tx.execute(
      `UPDATE chats SET deleted_count = deleted_count +
         (SELECT COUNT(*) FROM messages m WHERE m.sender_id = ? AND m.chat_id = chats.id)
       WHERE id IN (SELECT chat_id FROM messages WHERE sender_id = ?)`,
      [userId, userId],
    );
    await tx.execute('DELETE FROM messages WHERE sender_id = ?', [userId]);
  }
}
