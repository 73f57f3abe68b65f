import { Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** A block has 2 to the power of this indices. */
export const BLOCK_BITS = 10;

const BLOCK_SIZE = 2 ** BLOCK_BITS;

/** In SQL `seq >> BLOCK_BITS`; here that would cut off all above 32 bits. */
export function blockOf(seq: number): number {
  return Math.floor(seq / BLOCK_SIZE);
}

/** The first and the last index of a block. */
export function indicesOf(block: number): [number, number] {
  return [block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE - 1];
}

/**
 * That a user has sent something in a block of a chat's indices: this finds what they have sent when they are erased. An
 * index of messages by their sender would do so too, but each message would write a page of it, elsewhere for each sender.
 */
@Entity('sender_blocks', { withoutRowid: true })
@Index('ix_sender_blocks_chat_id', ['chatId'])
export class SenderBlock {
  @PrimaryColumn('int', { name: 'sender_id' })
  @ForeignKey('users', { onDelete: 'CASCADE', name: 'fk_sender_blocks_sender_id' })
  senderId!: number;

  @PrimaryColumn('int', { name: 'chat_id' })
  @ForeignKey('chats', { onDelete: 'CASCADE', name: 'fk_sender_blocks_chat_id' })
  chatId!: number;

  @PrimaryColumn('bigint')
  block!: number;
}
