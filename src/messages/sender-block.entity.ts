import { Entity, Index, PrimaryColumn } from 'typeorm';

/** A block holds 2 to the power of this many indexes of a chat. */
export const BLOCK_BITS = 10;
export const BLOCK_SIZE = 2 ** BLOCK_BITS;

/**
 * Records that a user sent at least one message in a block of 1,024 indexes of a chat. Erasing a user reads these rows to
 * find the user's messages. An index of messages by sender would cost each send an entry.
 */
@Entity('sender_blocks', { withoutRowid: true })
@Index('ix_sender_blocks_block', ['chatId', 'block'])
export class SenderBlock {
  @PrimaryColumn('int', { name: 'sender_id' })
  senderId!: number;

  @PrimaryColumn('int', { name: 'chat_id' })
  chatId!: number;

  @PrimaryColumn('bigint')
  block!: number;
}
