import { chunks, type Transaction } from '../database/unit-of-work.js';
import { IsNull, Not } from 'typeorm';
import { ChatChange } from './chat-change.entity.js';

/** How long clients can catch up with what they have missed. */
export const LOG_LIFETIME_US = 7 * 86_400 * 1_000_000;

/** A position in the history of a chat. */
export interface LogPosition {
  /** The time of the last message or change before it, in microseconds. */
  at: number;
  /** The index of the first message after it. */
  seq: number;
}

/** The range of a chat's history that a commit has added. */
export interface ChatRange {
  chatId: number;
  from: LogPosition;
  to: LogPosition;
  /** Whether there are rows in the log besides messages. */
  hasChanges: boolean;
  /** Users whose membership has begun or ended; undefined if unknown. */
  affected?: number[];
  isDeleted: boolean;
}

declare module '../database/topics.js' {
  interface TopicPayloads {
    /**
     * Published after each commit that adds to the histories of chats. Ranges of one chat may be published out of order, because
     * InnoDB releases a lock before its holder's commit is flushed and answered.
     */
    chatsChanged: ChatRange[];
    /** Published when another instance has added to the histories of these chats. */
    chatsChangedElsewhere: number[];
  }
}

/** Defers the insert to the commit. */
export function addChanges(tx: Transaction, changes: ChatChange[]): void {
  for (const some of chunks(changes)) {
    tx.insert(
      'chat_changes (chat_id, at, type, seq, user_id, erased_user)',
      some.map(({ chatId, at, type, seq, userId, erasedUser }) => [
        chatId,
        at,
        type,
        seq,
        userId,
        erasedUser,
      ]),
    );
  }
}

/** Returns the name of an erased user who has left a chat. */
export async function findErasedUser(
  tx: Transaction,
  userId: number,
): Promise<{ name: string; username: string } | undefined> {
  const manager = await tx.manager();
  const change = await manager.findOneBy(ChatChange, { userId, erasedUser: Not(IsNull()) });
  return change?.erasedUser ? JSON.parse(change.erasedUser) : undefined;
}
