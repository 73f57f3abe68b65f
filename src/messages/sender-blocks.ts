import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { inlineTable, type Transaction } from '../database/unit-of-work.js';
import { BLOCK_BITS, SenderBlock } from './sender-block.entity.js';

const BLOCK_SIZE = 2 ** BLOCK_BITS;

/** The indexes of a block, in which a user sent something. */
export interface SentRange {
  chatId: number;
  first: number;
  last: number;
}

interface SentMessage {
  chatId: number;
  senderId: number;
  seq: number;
}

/** Records in which blocks of a chat each user has sent something, so that erasing the user finds the messages. */
@Injectable()
export class SenderBlocks {
  /** Blocks whose rows are committed. Never stale: a row is deleted only with its user or chat, whose ids are never reused. */
  private readonly recorded = new LRUCache<string, true>({ max: 10_000 });

  /** Adds the missing rows by a deferred statement. The chats must be locked. */
  record(tx: Transaction, messages: SentMessage[]): void {
    const rows = new Map(
      messages.map(({ senderId, chatId, seq }) => {
        const row = [senderId, chatId, Math.floor(seq / BLOCK_SIZE)];
        return [row.join(), row];
      }),
    );
    for (const key of rows.keys()) if (this.recorded.get(key)) rows.delete(key);
    if (rows.size === 0) return;
    tx.defer(
      `INSERT INTO sender_blocks (sender_id, chat_id, block)
       SELECT sent.sender_id, sent.chat_id, sent.block
       FROM ${inlineTable(rows.size, '? AS sender_id, ? AS chat_id, ? AS block')} sent
       WHERE NOT EXISTS (SELECT 1 FROM sender_blocks known WHERE known.sender_id = sent.sender_id
         AND known.chat_id = sent.chat_id AND known.block = sent.block)`,
      [...rows.values()].flat(),
    );
    tx.afterCommit(() => rows.forEach((_, key) => this.recorded.set(key, true)));
  }

  /** Returns ranges that contain all messages of the user, among messages of others. */
  async findRanges(tx: Transaction, senderId: number): Promise<SentRange[]> {
    const manager = await tx.manager();
    const blocks = await manager.findBy(SenderBlock, { senderId });
    return blocks.map(({ chatId, block }) => ({
      chatId,
      first: block * BLOCK_SIZE,
      last: (block + 1) * BLOCK_SIZE - 1,
    }));
  }
}
