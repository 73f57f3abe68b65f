import { Injectable } from '@nestjs/common';
import type { SqlValue } from '../database/driver.js';
import { Batcher } from '../database/batcher.js';
import { inParallel } from '../database/in-parallel.js';
import { chunks, inlineTable, Reader, type Transaction } from '../database/unit-of-work.js';
import type { ChatAccess } from '../membership/membership.service.js';
import { IS_VISIBLE, MESSAGE_COLUMNS, type MessageRow } from './message-row.js';
import { BLOCK_SIZE, type SenderBlock } from './sender-block.entity.js';

export type Order = 'asc' | 'desc';

/** Stands for more as well. */
export const MAX_UNREAD = 100;

/** SQLite refuses a UNION of more than 500 SELECTs. */
const MAX_COUNTS_PER_QUERY = 500;

/** How far a member has read a chat. */
export interface ReadPosition {
  id: number;
  next_seq: number;
  deleted_count: number;
  /** The index after the last message that the member has read. */
  read_next: number;
  /** Whether messages of erased users are hidden in the chat, until they are removed: 0 or 1. */
  has_erased_senders: number;
}

/** What a reader of a chat must know. */
export type ReadAccess = Pick<ChatAccess, 'chatId' | 'nextSeq' | 'deletedCount' | 'hasErasedSenders'>;

interface Key {
  chatId: number;
  seq: number;
}

const KEY_COLUMNS = 'CAST(? AS SIGNED) AS n, CAST(? AS SIGNED) AS chat_id, CAST(? AS SIGNED) AS seq';

/** A part of a chat. */
interface Part {
  condition: string;
  values: SqlValue[];
}

const EVERYWHERE: Part = { condition: '1 = 1', values: [] };

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
  nextTo(
    { chatId, hasErasedSenders }: ReadAccess,
    seq: number,
    order: Order,
    limit: number,
  ): Promise<MessageRow[]> {
    if (hasErasedSenders) return this.visibleNextTo(chatId, seq, order, limit, 0);
    const condition = order === 'asc' ? 'seq > ?' : 'seq < ?';
    return this.range(chatId, { condition, values: [seq] }, order, limit, 0);
  }

  /** As {@link nextTo}, after the first `offset` visible messages. */
  private async visibleNextTo(
    chatId: number,
    seq: number,
    order: Order,
    limit: number,
    offset: number,
  ): Promise<MessageRow[]> {
    const rows: MessageRow[] = [];
    let toSkip = offset;
    for await (const part of this.visibleParts(chatId, seq, order)) {
      const count = toSkip === 0 ? 0 : await this.count(chatId, part);
      const skipped = Math.min(toSkip, count);
      toSkip -= skipped;
      if (toSkip > 0) continue;
      rows.push(...(await this.range(chatId, part, order, limit - rows.length, skipped)));
      if (rows.length === limit) break;
    }
    return rows;
  }

  /**
   * Yields the visible messages next to an index block by block, and only blocks in which others than erased users sent
   * something: one scan might read over a million hidden messages, each time.
   */
  private async *visibleParts(chatId: number, seq: number, order: Order): AsyncGenerator<Part> {
    const isAsc = order === 'asc';
    const bounds = isAsc ? 'seq > ? AND seq <= ?' : 'seq < ? AND seq >= ?';
    let start = seq;
    for (;;) {
      const next = Math.floor((isAsc ? start + 1 : start - 1) / BLOCK_SIZE);
      const block = await this.nextVisibleBlock(chatId, next, order);
      if (block === undefined) return;
      const [first, last] = [block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE - 1];
      start = isAsc ? Math.max(start, first - 1) : Math.min(start, last + 1);
      const end = isAsc ? last : first;
      yield { condition: `${bounds} AND ${IS_VISIBLE}`, values: [start, end] };
      start = end;
    }
  }

  /** Returns the latest message, if there is one, in a chat of which the last one may be hidden. */
  findLatestVisible(chatId: number): Promise<MessageRow[]> {
    return this.visibleNextTo(chatId, Number.MAX_SAFE_INTEGER, 'desc', 1, 0);
  }

  private async nextVisibleBlock(chatId: number, first: number, order: Order): Promise<number | undefined> {
    const [found] = await this.reader.query<{ block: number }>(
      `SELECT block FROM sender_blocks
       WHERE chat_id = ? AND block ${order === 'asc' ? '>=' : '<='} ? AND ${IS_VISIBLE} ORDER BY block ${order} LIMIT 1`,
      [chatId, first],
    );
    return found?.block;
  }

  /**
   * Returns up to `limit` messages after the first `offset` existing ones. While none is deleted or hidden, the index follows
   * from the offset; otherwise the database counts `offset` entries of the key.
   */
  async page(access: ReadAccess, order: Order, offset: number, limit: number): Promise<MessageRow[]> {
    const { chatId, nextSeq, deletedCount, hasErasedSenders } = access;
    if (offset >= nextSeq - deletedCount) return [];
    const start = order === 'asc' ? -1 : nextSeq;
    if (hasErasedSenders) return this.visibleNextTo(chatId, start, order, limit, offset);
    if (deletedCount > 0) return this.range(chatId, EVERYWHERE, order, limit, offset);
    return this.nextTo(access, order === 'asc' ? start + offset : start - offset, order, limit);
  }

  /** Returns how many messages follow each position, at most 100. Reads rows only where a message is deleted or hidden. */
  async countUnread(positions: ReadPosition[]): Promise<number[]> {
    const counts = positions.map(({ next_seq, read_next }) => Math.min(next_seq - read_next, MAX_UNREAD));
    const withDeleted: number[] = [];
    const withHidden: number[] = [];
    for (const [n, { deleted_count, has_erased_senders }] of positions.entries()) {
      if (counts[n] <= 0) continue;
      if (has_erased_senders === 1) withHidden.push(n);
      else if (deleted_count > 0) withDeleted.push(n);
    }
    const countOne = `SELECT CAST(? AS SIGNED) AS n, COUNT(*) AS count FROM (
      SELECT 1 FROM messages WHERE chat_id = ? AND seq >= ? LIMIT ${MAX_UNREAD}) unread`;
    for (const some of chunks(withDeleted, MAX_COUNTS_PER_QUERY)) {
      const rows = await this.reader.query<{ n: number; count: number }>(
        some.map(() => countOne).join(' UNION ALL '),
        some.flatMap((n) => [n, positions[n].id, positions[n].read_next]),
      );
      for (const { n, count } of rows) counts[n] = count;
    }
    await inParallel(withHidden, async (n) => {
      counts[n] = await this.countVisible(positions[n]);
    });
    return counts;
  }

  private async countVisible({ id, read_next }: ReadPosition): Promise<number> {
    let found = 0;
    for await (const part of this.visibleParts(id, read_next - 1, 'asc')) {
      found += await this.count(id, part);
      if (found >= MAX_UNREAD) return MAX_UNREAD;
    }
    return found;
  }

  private async count(chatId: number, { condition, values }: Part): Promise<number> {
    const sql = `SELECT COUNT(*) AS count FROM messages WHERE chat_id = ? AND ${condition}`;
    const [{ count }] = await this.reader.query<{ count: number }>(sql, [chatId, ...values]);
    return count;
  }

  private range(
    chatId: number,
    { condition, values }: Part,
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

  /** Returns how many messages the user sent in the block. */
  deleteSent(tx: Transaction, { senderId, chatId, block }: SenderBlock): Promise<number> {
    const first = block * BLOCK_SIZE;
    return tx.execute('DELETE FROM messages WHERE chat_id = ? AND seq BETWEEN ? AND ? AND sender_id = ?', [
      chatId,
      first,
      first + BLOCK_SIZE - 1,
      senderId,
    ]);
  }
}
