import { Injectable } from '@nestjs/common';
import type { SqlValue } from '../database/driver.js';
import { Batcher } from '../database/batcher.js';
import { chunks, inlineTable, Reader, type Transaction } from '../database/unit-of-work.js';
import type { ChatAccess } from '../membership/membership.service.js';
import { MESSAGE_COLUMNS, type MessageRow } from './message-row.js';
import type { SentRange } from './sender-blocks.js';

export type Order = 'asc' | 'desc';

interface Key {
  chatId: number;
  seq: number;
}

const KEY_COLUMNS = 'CAST(? AS SIGNED) AS n, CAST(? AS SIGNED) AS chat_id, CAST(? AS SIGNED) AS seq';

/** Reads messages in SQL, because pages and single messages are hot paths. */
@Injectable()
export class MessagesRepository {
  private readonly batcher: Batcher<Key, MessageRow | undefined>;

  constructor(private readonly reader: Reader) {
    this.batcher = new Batcher((keys) => this.findAll(keys));
  }

  find(chatId: number, seq: number): Promise<MessageRow | undefined> {
    return this.batcher.add({ chatId, seq });
  }

  private async findAll(keys: Key[]): Promise<(MessageRow | undefined)[]> {
    const rows = await this.reader.query<MessageRow & { n: number }>(
      `SELECT asked.n, ${MESSAGE_COLUMNS} FROM ${inlineTable(keys.length, KEY_COLUMNS)} asked
       JOIN messages m ON m.chat_id = asked.chat_id AND m.seq = asked.seq`,
      keys.flatMap(({ chatId, seq }, n) => [n, chatId, seq]),
    );
    const found = Array<MessageRow | undefined>(keys.length);
    for (const row of rows) found[row.n] = row;
    return found;
  }

  /** Returns up to `limit` messages next to the index `seq`, without it: newer ones for 'asc', older ones for 'desc'. */
  nextTo(chatId: number, seq: number, order: Order, limit: number): Promise<MessageRow[]> {
    const condition = order === 'asc' ? 'seq > ?' : 'seq < ?';
    return this.range(chatId, { condition, values: [seq] }, order, limit, 0);
  }

  /**
   * Returns up to `limit` messages after the first `offset` existing ones. While no message is deleted, the index follows from
   * the offset; otherwise the database counts `offset` entries of the key.
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

  /** Deletes all messages in these ranges that the user sent; returns how many were in each range. */
  async deleteSent(tx: Transaction, senderId: number, ranges: SentRange[]): Promise<number[]> {
    const counts: number[] = [];
    for (const some of chunks(ranges)) {
      const statements = some.map(({ chatId, first, last }) => ({
        sql: 'DELETE FROM messages WHERE chat_id = ? AND seq BETWEEN ? AND ? AND sender_id = ?',
        values: [chatId, first, last, senderId],
      }));
      counts.push(...(await tx.executeAll(statements)));
    }
    return counts;
  }
}
