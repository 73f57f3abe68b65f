import { Injectable } from '@nestjs/common';
import { now } from '../helpers/clock.js';
import { Batcher } from '../database/batcher.js';
import { isMissingValue } from '../database/driver-errors.js';
import { placeholders, inlineTable, type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { addLinks } from '../files/files.repository.js';
import { notAMember, unknownChat } from '../membership/membership.service.js';
import type { MessageType } from './dto/messages.dto.js';
import { BLOCK_BITS, blockOf } from './sender-block.entity.js';

export interface NewMessage {
  chatId: number;
  senderId: number;
  type: MessageType;
  text: string;
  /** The link of an image or a file. */
  file: { uuid: string; filename: string } | null;
}

/** Where a message stands: its index, and when it was sent in microseconds. */
export interface Position {
  seq: number;
  sentAt: number;
}

interface LockedChat {
  nextSeq: number;
  lastSentAt: number;
  /** With the last block that each has sent something in. */
  members: Map<number, number | null>;
}

/**
 * Group commit: what is sent while a commit is being flushed to disk, to whatever chats, shares the next
 * one. A message that comes alone waits for nothing.
 */
@Injectable()
export class MessageWriter {
  private readonly batches: Batcher<NewMessage, Position>;

  constructor(unitOfWork: UnitOfWork) {
    this.batches = new Batcher(async (messages) => {
      const alone = messages.length === 1 ? await writeAlone(unitOfWork, messages[0]) : undefined;
      return alone ? [alone] : unitOfWork.run((tx) => writeBatch(tx, messages));
    });
  }

  /**
   * Resolves when the message is on disk.
   *
   * @throws ParleyError (invalid, forbidden) when the chat is gone or the sender no member any more.
   */
  write(message: NewMessage): Promise<Position> {
    return this.batches.add(message);
  }
}

/**
 * Writes one text in a single round trip, commit included. Nothing where the chat is gone, the sender no member or the
 * first message of theirs in its block: the batch tells which, and enters the block.
 */
async function writeAlone(unitOfWork: UnitOfWork, message: NewMessage): Promise<Position | undefined> {
  const { chatId, senderId, type, text, file } = message;
  if (file) return undefined;
  try {
    const [position] = await unitOfWork.run((tx) => {
      const sentAt = now();
      tx.defer(
        `UPDATE chats SET next_seq = next_seq + 1,
           last_sent_at = CASE WHEN last_sent_at < ? THEN ? ELSE last_sent_at + 1 END WHERE id = ?`,
        [sentAt, sentAt, chatId],
      );
      // Behind the lock of the update. Without a member, or their block, it is NULL, which a message's sender cannot be.
      const sender = `SELECT m.user_id FROM members m
         JOIN sender_blocks b ON b.sender_id = m.user_id AND b.chat_id = m.chat_id AND b.block = (c.next_seq - 1) >> ${BLOCK_BITS}
         WHERE m.chat_id = c.id AND m.user_id = ?`;
      tx.defer(
        `INSERT INTO messages (chat_id, seq, sender_id, type, text, sent_at)
         SELECT c.id, c.next_seq - 1, (${sender}), ?, ?, c.last_sent_at FROM chats c WHERE c.id = ?`,
        [senderId, type, text, chatId],
      );
      return tx.queryAndCommit<Position>(
        'SELECT next_seq - 1 AS seq, last_sent_at AS sentAt FROM chats WHERE id = ?',
        [chatId],
      );
    });
    return position;
  } catch (error) {
    if (isMissingValue(error)) return undefined;
    throw error;
  }
}

/** Writes messages in their order; for each its position, or the reason why it cannot be sent. */
export async function writeBatch(tx: Transaction, messages: NewMessage[]): Promise<(Position | Error)[]> {
  const chats = await lockChats(tx, messages);
  const outcomes = messages.map((message) => place(chats.get(message.chatId), message.senderId));
  const placed = messages.flatMap((message, index) => {
    const outcome = outcomes[index];
    return outcome instanceof Error ? [] : [{ ...message, ...outcome }];
  });
  if (placed.length === 0) return outcomes;
  tx.insert(
    'messages (chat_id, seq, sender_id, type, text, file_uuid, sent_at)',
    placed.map(({ chatId, seq, senderId, type, text, file, sentAt }) => [
      chatId,
      seq,
      senderId,
      type,
      text,
      file?.uuid ?? null,
      sentAt,
    ]),
  );
  addLinks(
    tx,
    placed.flatMap(({ chatId, seq, senderId, file }) => (file ? { chatId, seq, senderId, ...file } : [])),
  );
  tx.insert('sender_blocks (sender_id, chat_id, block)', enterBlocks(chats, placed));
  advance(tx, chats);
  return outcomes;
}

/**
 * In the order of their ids, as everybody does: two batches wait for each other and never deadlock. Who locks a
 * chat decides over its members too, so that those can be read after it.
 */
async function lockChats(tx: Transaction, messages: NewMessage[]): Promise<Map<number, LockedChat>> {
  const chatIds = [...new Set(messages.map(({ chatId }) => chatId))];
  const pairs = new Map(
    messages.map(({ chatId, senderId }) => [`${chatId} ${senderId}`, [chatId, senderId]]),
  );
  const [chatRows, memberRows] = await tx.queryAll([
    {
      sql: `SELECT id, next_seq, last_sent_at FROM chats
            WHERE id IN (${placeholders(chatIds.length)}) ORDER BY id${tx.forUpdate}`,
      values: chatIds,
    },
    {
      sql: `SELECT m.chat_id, m.user_id, (SELECT MAX(block) FROM sender_blocks
              WHERE sender_id = m.user_id AND chat_id = m.chat_id) AS last_block
            FROM ${inlineTable(pairs.size, '? AS chat_id, ? AS user_id')} asked
            JOIN members m ON m.chat_id = asked.chat_id AND m.user_id = asked.user_id`,
      values: [...pairs.values()].flat(),
    },
  ]);
  const chats = new Map<number, LockedChat>();
  for (const { id, next_seq, last_sent_at } of chatRows as ChatRow[]) {
    chats.set(id, { nextSeq: next_seq, lastSentAt: last_sent_at, members: new Map() });
  }
  for (const { chat_id, user_id, last_block } of memberRows as MemberRow[]) {
    chats.get(chat_id)?.members.set(user_id, last_block);
  }
  return chats;
}

interface ChatRow {
  id: number;
  next_seq: number;
  last_sent_at: number;
}

interface MemberRow {
  chat_id: number;
  user_id: number;
  last_block: number | null;
}

/** The next place in the chat; moves the chat's counters on. */
function place(chat: LockedChat | undefined, senderId: number): Position | Error {
  if (!chat) return unknownChat();
  if (!chat.members.has(senderId)) return notAMember();
  chat.lastSentAt = Math.max(now(), chat.lastSentAt + 1);
  chat.nextSeq += 1;
  return { seq: chat.nextSeq - 1, sentAt: chat.lastSentAt };
}

/** The rows for blocks in which their senders send for the first time: each is a member's last one from now on. */
function enterBlocks(
  chats: Map<number, LockedChat>,
  placed: (NewMessage & Position)[],
): [number, number, number][] {
  return placed.flatMap(({ chatId, senderId, seq }) => {
    const { members } = chats.get(chatId) as LockedChat;
    const block = blockOf(seq);
    if (members.get(senderId) === block) return [];
    members.set(senderId, block);
    return [[senderId, chatId, block]];
  });
}

function advance(tx: Transaction, chats: Map<number, LockedChat>): void {
  const ids = [...chats.keys()];
  const cases = ids.map(() => 'WHEN ? THEN ?').join(' ');
  tx.defer(
    `UPDATE chats SET next_seq = CASE id ${cases} END, last_sent_at = CASE id ${cases} END
     WHERE id IN (${placeholders(ids.length)})`,
    [
      ...[...chats].flatMap(([id, { nextSeq }]) => [id, nextSeq]),
      ...[...chats].flatMap(([id, { lastSentAt }]) => [id, lastSentAt]),
      ...ids,
    ],
  );
}
