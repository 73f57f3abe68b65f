import { Injectable } from '@nestjs/common';
import { now } from '../common/clock.js';
import { isUnavailable } from '../database/driver-errors.js';
import { list, placeholders, type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { addLinks } from '../files/files.repository.js';
import { notAMember, unknownChat } from '../membership/membership.service.js';
import type { MessageType } from './dto/messages.dto.js';

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

interface Pending {
  message: NewMessage;
  resolve: (position: Position) => void;
  reject: (error: unknown) => void;
}

interface LockedChat {
  nextSeq: number;
  lastSentAt: number;
  members: Set<number>;
}

/** How many messages share one commit at most. */
const MOST_TOGETHER = 128;

/**
 * Group commit: what is sent while a commit is being flushed to disk, to whatever chats, shares the next
 * one. A message that comes alone waits for nothing.
 */
@Injectable()
export class MessageWriter {
  private waiting: Pending[] = [];
  private writing = false;

  constructor(private readonly unitOfWork: UnitOfWork) {}

  /**
   * Resolves when the message is on disk.
   *
   * @throws ParleyError (invalid, forbidden) when the chat is gone or the sender no member any more.
   */
  write(message: NewMessage): Promise<Position> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ message, resolve, reject });
      if (!this.writing) void this.writeAll();
    });
  }

  private async writeAll(): Promise<void> {
    this.writing = true;
    while (this.waiting.length > 0) {
      // Lets in what arrived in the same moment: SQLite's driver would be done before the next request is read.
      await new Promise(setImmediate);
      await this.commit(this.waiting.splice(0, MOST_TOGETHER));
    }
    this.writing = false;
  }

  private async commit(batch: Pending[]): Promise<void> {
    try {
      const outcomes = await this.unitOfWork.run((tx) =>
        writeBatch(
          tx,
          batch.map(({ message }) => message),
        ),
      );
      batch.forEach(({ resolve, reject }, index) => {
        const outcome = outcomes[index];
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      });
    } catch (error) {
      // One message that the database refuses must not take the others along.
      const refused = batch.length > 1 && !isUnavailable(error);
      for (const pending of batch) {
        if (refused) await this.commit([pending]);
        else pending.reject(error);
      }
    }
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
  await tx.execute(
    `INSERT INTO messages (chat_id, seq, sender_id, type, text, file_uuid, sent_at)
     VALUES ${placeholders(placed.length, 7)}`,
    placed.flatMap(({ chatId, seq, senderId, type, text, file, sentAt }) => [
      chatId,
      seq,
      senderId,
      type,
      text,
      file?.uuid ?? null,
      sentAt,
    ]),
  );
  await addLinks(
    tx,
    placed.flatMap(({ chatId, seq, senderId, file }) => (file ? { chatId, seq, senderId, ...file } : [])),
  );
  await advance(tx, chats);
  return outcomes;
}

/**
 * In the order of their ids, as everybody does: two batches wait for each other and never deadlock. Who locks a
 * chat decides over its members too, so that those can be read after it.
 */
async function lockChats(tx: Transaction, messages: NewMessage[]): Promise<Map<number, LockedChat>> {
  const chatIds = [...new Set(messages.map(({ chatId }) => chatId))];
  const rows = await tx.query<{ id: number; next_seq: number; last_sent_at: number }>(
    `SELECT id, next_seq, last_sent_at FROM chats WHERE id IN (${list(chatIds.length)}) ORDER BY id${tx.forUpdate}`,
    chatIds,
  );
  const chats = new Map<number, LockedChat>(
    rows.map(({ id, next_seq, last_sent_at }) => [
      id,
      { nextSeq: next_seq, lastSentAt: last_sent_at, members: new Set() },
    ]),
  );
  const pairs = new Map(
    messages.map(({ chatId, senderId }) => [`${chatId} ${senderId}`, [chatId, senderId]]),
  );
  const members = await tx.query<{ chat_id: number; user_id: number }>(
    `SELECT chat_id, user_id FROM members
     WHERE ${Array(pairs.size).fill('(chat_id = ? AND user_id = ?)').join(' OR ')}`,
    [...pairs.values()].flat(),
  );
  for (const { chat_id, user_id } of members) chats.get(chat_id)?.members.add(user_id);
  return chats;
}

/** The next place in the chat; moves the chat's counters on. */
function place(chat: LockedChat | undefined, senderId: number): Position | Error {
  if (!chat) return unknownChat();
  if (!chat.members.has(senderId)) return notAMember();
  chat.lastSentAt = Math.max(now(), chat.lastSentAt + 1);
  chat.nextSeq += 1;
  return { seq: chat.nextSeq - 1, sentAt: chat.lastSentAt };
}

async function advance(tx: Transaction, chats: Map<number, LockedChat>): Promise<void> {
  const ids = [...chats.keys()];
  const cases = ids.map(() => 'WHEN ? THEN ?').join(' ');
  await tx.execute(
    `UPDATE chats SET next_seq = CASE id ${cases} END, last_sent_at = CASE id ${cases} END
     WHERE id IN (${list(ids.length)})`,
    [
      ...[...chats].flatMap(([id, { nextSeq }]) => [id, nextSeq]),
      ...[...chats].flatMap(([id, { lastSentAt }]) => [id, lastSentAt]),
      ...ids,
    ],
  );
}
