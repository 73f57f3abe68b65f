import { Injectable } from '@nestjs/common';
import { Batcher } from '../database/batcher.js';
import { inlineTable, Reader, type Transaction } from '../database/unit-of-work.js';
import type { ChatKey } from './locked-chat.js';

/** A chat as one user finds it. */
export interface MembershipRow {
  chatId: number;
  /** Whether the user is a member: 0 or 1. */
  isMember: number;
  /** The index of the next message. */
  nextSeq: number;
  deletedCount: number;
  /** The index after the last message that the user has read. */
  readNext: number | null;
  /** Whether messages of erased users are still to be removed: 0 or 1. */
  hasErasedSenders: number;
}

export interface MemberUserRow {
  name: string;
  username: string;
  since: number;
}

export interface Marker extends ChatKey {
  readNext: number;
}

interface Key {
  uuid: string;
  userId: number;
}

/** SQL that tells whether messages of erased users are still to be removed from the chat `c`. */
export const HAS_ERASED_SENDERS = `EXISTS (SELECT 1 FROM removals r
  JOIN sender_blocks b ON b.sender_id = r.id AND b.chat_id = c.id WHERE r.kind = 'user')`;

/** Looks memberships up in SQL, because each request inside a chat does so. */
@Injectable()
export class MembershipRepository {
  private readonly batcher: Batcher<Key, MembershipRow | undefined>;

  constructor(private readonly reader: Reader) {
    this.batcher = new Batcher((keys) => this.findAll(keys));
  }

  find(uuid: string, userId: number): Promise<MembershipRow | undefined> {
    return this.batcher.add({ uuid, userId });
  }

  private async findAll(keys: Key[]): Promise<(MembershipRow | undefined)[]> {
    const rows = await this.reader.queryLatest<MembershipRow & { n: number }>(
      `SELECT asked.n, c.id AS chatId, m.user_id IS NOT NULL AS isMember, c.next_seq AS nextSeq,
         c.deleted_count AS deletedCount, m.read_next AS readNext,
         ${HAS_ERASED_SENDERS} AS hasErasedSenders
       FROM ${inlineTable(keys.length, 'CAST(? AS SIGNED) AS n, ? AS uuid, CAST(? AS SIGNED) AS user_id')} asked
       JOIN chats c ON c.uuid = asked.uuid
       LEFT JOIN members m ON m.chat_id = c.id AND m.user_id = asked.user_id`,
      keys.flatMap(({ uuid, userId }, n) => [n, uuid, userId]),
    );
    const found = Array<MembershipRow | undefined>(keys.length);
    for (const row of rows) found[row.n] = row;
    return found;
  }

  /** Returns the ids of up to `limit` chats of a user. */
  async findChatIds(tx: Transaction, userId: number, limit: number): Promise<number[]> {
    const rows = await tx.query<{ chatId: number }>(
      `SELECT m.chat_id AS chatId FROM members m JOIN chats c ON c.id = m.chat_id WHERE m.user_id = ? LIMIT ?`,
      [userId, limit],
    );
    return rows.map(({ chatId }) => chatId);
  }

  /** Does not count deleted chats, whose memberships stay until the events of the deletion are delivered. */
  async countChats(userId: number): Promise<number> {
    const [{ count }] = await this.reader.query<{ count: number }>(
      'SELECT COUNT(*) AS count FROM members m JOIN chats c ON c.id = m.chat_id WHERE m.user_id = ?',
      [userId],
    );
    return count;
  }

  /** Moves markers of what users have read forward, never back, in one order: two transactions wait and never deadlock. */
  markRead(tx: Transaction, markers: Marker[], readAt: number): void {
    const sql = `UPDATE members SET read_next = ?, read_at = ?
      WHERE chat_id = ? AND user_id = ? AND read_next < ?`;
    const ordered = markers.toSorted((a, b) => a.chatId - b.chatId || a.userId - b.userId);
    for (const { chatId, userId, readNext } of ordered)
      tx.defer(sql, [readNext, readAt, chatId, userId, readNext]);
  }

  /** Returns the users of a chat whose membership began after `after`, the most senior first. */
  findUsers(chatId: number, after: number, limit: number): Promise<MemberUserRow[]> {
    return this.reader.query(
      `SELECT u.name, u.username, m.since FROM members m JOIN users u ON u.id = m.user_id
       WHERE m.chat_id = ? AND m.since > ? ORDER BY m.since LIMIT ?`,
      [chatId, after, limit],
    );
  }
}
