import { inlineTable, type Transaction } from '../database/unit-of-work.js';
import { BLOCK_BITS, SenderBlock } from './sender-block.entity.js';

const BLOCK_SIZE = 2 ** BLOCK_BITS;

/** Where a user sent something: the indexes `first` to `last` of a chat. */
export interface SentRange {
  chatId: number;
  first: number;
  last: number;
}

/** Records, in one deferred statement, in which blocks of their chats these senders have sent something. */
export function recordSenders(
  tx: Transaction,
  messages: { chatId: number; senderId: number; seq: number }[],
): void {
  const rows = messages.map(({ chatId, senderId, seq }) => [senderId, chatId, Math.floor(seq / BLOCK_SIZE)]);
  const distinct = [...new Map(rows.map((row) => [row.join(), row])).values()];
  if (distinct.length === 0) return;
  tx.defer(
    `INSERT INTO sender_blocks (sender_id, chat_id, block)
     SELECT sent.sender_id, sent.chat_id, sent.block
     FROM ${inlineTable(distinct.length, '? AS sender_id, ? AS chat_id, ? AS block')} sent
     WHERE NOT EXISTS (SELECT 1 FROM sender_blocks known WHERE known.sender_id = sent.sender_id
       AND known.chat_id = sent.chat_id AND known.block = sent.block)`,
    distinct.flat(),
  );
}

/** Returns the ranges of indexes in which all messages of a user lie. */
export async function findSentRanges(tx: Transaction, senderId: number): Promise<SentRange[]> {
  const manager = await tx.manager();
  const blocks = await manager.findBy(SenderBlock, { senderId });
  return blocks.map(({ chatId, block }) => ({
    chatId,
    first: block * BLOCK_SIZE,
    last: (block + 1) * BLOCK_SIZE - 1,
  }));
}
