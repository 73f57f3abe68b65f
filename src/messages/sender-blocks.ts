import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { MoreThan } from 'typeorm';
import { inlineTable, type Transaction } from '../database/unit-of-work.js';
import { BLOCK_SIZE, SenderBlock } from './sender-block.entity.js';

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

  /** Returns a block in which the user sent something. */
  async findOne(tx: Transaction, senderId: number): Promise<SenderBlock | null> {
    const manager = await tx.manager();
    return manager.findOne(SenderBlock, { where: { senderId }, order: { chatId: 'ASC', block: 'ASC' } });
  }

  /** Returns the next chat, by id, in which the user sent something. */
  async findNextChat(tx: Transaction, senderId: number, after = 0): Promise<number | undefined> {
    const manager = await tx.manager();
    const where = { senderId, chatId: MoreThan(after) };
    return (await manager.findOne(SenderBlock, { where, order: { chatId: 'ASC' } }))?.chatId;
  }

  async delete(tx: Transaction, { senderId, chatId, block }: SenderBlock): Promise<void> {
    await (await tx.manager()).delete(SenderBlock, { senderId, chatId, block });
  }
}
