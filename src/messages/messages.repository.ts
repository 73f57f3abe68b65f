import { Injectable } from '@nestjs/common';
import type { SqlValue } from '../database/driver.js';
import { Batcher } from '../database/batcher.js';
import { chunks, padded, Reader, inlineTable, type Transaction } from '../database/unit-of-work.js';
import { type ChatAccess, lockChats } from '../membership/membership.service.js';
import { MESSAGE_COLUMNS, type MessageRow } from './message-row.js';
import { indicesOf } from './sender-block.entity.js';

export type Order = 'asc' | 'desc';

interface Key {
  chatId: number;
  seq: number;
}

const KEY_COLUMNS = 'CAST(? AS SIGNED) AS n, CAST(? AS SIGNED) AS chat_id, CAST(? AS SIGNED) AS seq';

@Injectable()
export class MessagesRepository {
  private readonly lookUps: Batcher<Key, MessageRow | undefined>;

  constructor(private readonly reader: Reader) {
    this.lookUps = new Batcher((keys) => this.lookUp(keys));
  }

  find(chatId: number, seq: number): Promise<MessageRow | undefined> {
    return this.lookUps.add({ chatId, seq });
  }

  /** The messages with these keys, in their order. */
  private async lookUp(keys: Key[]): Promise<(MessageRow | undefined)[]> {
    const all = padded(keys);
    const rows = await this.reader.query<MessageRow & { n: number }>(
      `SELECT asked.n, ${MESSAGE_COLUMNS} FROM ${inlineTable(all.length, KEY_COLUMNS)} asked
       JOIN messages m ON m.chat_id = asked.chat_id AND m.seq = asked.seq`,
      all.flatMap(({ chatId, seq }, n) => [n, chatId, seq]),
    );
    const found = Array<MessageRow | undefined>(all.length);
    for (const row of rows) found[row.n] = row;
    return found;
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
  async page(
    { chatId, nextSeq, deletedCount }: ChatAccess,
    order: Order,
    offset: number,
    limit: number,
  ): Promise<MessageRow[]> {
    if (offset >= nextSeq - deletedCount) return [];
    if (deletedCount > 0) return this.range(chatId, { condition: '1 = 1', values: [] }, order, limit, offset);
    const before = order === 'asc' ? offset - 1 : nextSeq - offset;
    return this.nextTo(chatId, before, order, limit);
  }

  private range(
    chatId: number,
    { condition, values }: { condition: string; values: SqlValue[] },
    order: Order,
    limit: number,
    offset: number,
  ): Promise<MessageRow[]> {
    return this.reader.query<MessageRow>(
      `SELECT ${MESSAGE_COLUMNS} FROM messages m
       WHERE chat_id = ? AND ${condition} ORDER BY seq ${order} LIMIT ? OFFSET ?`,
      [chatId, ...values, limit, offset],
    );
  }

  /** Removes messages for good; their indices stay unused. */
  async remove(tx: Transaction, chatId: number, seq: number): Promise<void> {
    await tx.execute('DELETE FROM messages WHERE chat_id = ? AND seq = ?', [chatId, seq]);
    await tx.execute('UPDATE chats SET deleted_count = deleted_count + 1 WHERE id = ?', [chatId]);
  }

  /** Removes all that a user has sent, wherever; they send nothing any more. */
  async removeSentBy(tx: Transaction, userId: number): Promise<void> {
    const blocks = await tx.query<{ chat_id: number; block: number }>(
      'SELECT chat_id, block FROM sender_blocks WHERE sender_id = ?',
      [userId],
    );
    // Counts only behind the lock: somebody else may be deleting the same messages.
    await lockChats(tx, [...new Set(blocks.map(({ chat_id }) => chat_id))]);
    const removed = new Map<number, number>();
    for (const some of chunks(blocks)) {
      const counts = await tx.executeAll(
        some.map(({ chat_id, block }) => ({
          sql: 'DELETE FROM messages WHERE chat_id = ? AND seq BETWEEN ? AND ? AND sender_id = ?',
          values: [chat_id, ...indicesOf(block), userId],
        })),
      );
      for (const [n, { chat_id }] of some.entries()) {
        removed.set(chat_id, (removed.get(chat_id) ?? 0) + counts[n]);
      }
    }
    for (const [chatId, count] of removed) {
      tx.defer('UPDATE chats SET deleted_count = deleted_count + ? WHERE id = ?', [count, chatId]);
    }
  }
}
