import { Injectable } from '@nestjs/common';
import { now } from '../helpers/clock.js';
import { forbidden, invalid } from '../errors/errors.js';
import { Batcher } from '../database/batcher.js';
import {
  chunks,
  placeholders,
  padded,
  Reader,
  inlineTable,
  type Transaction,
} from '../database/unit-of-work.js';
import type { Caller } from '../tokens/caller.js';

/** Proof that a user is a member of a chat, which {@link Membership.requireMember} alone gives. */
export interface ChatAccess {
  readonly chatId: number;
  readonly userId: number;
  readonly username: string;
  readonly isOwner: boolean;
  /** The index of the chat's next message, and how many were deleted, when this was looked up. */
  readonly nextSeq: number;
  readonly deletedCount: number;
}

export const unknownChat = () => invalid('specified chat does not exist');
export const notAMember = () => forbidden('user is not part of specified chat');

/** Who is in which chat, and who owns it: the one rule for controllers, workers and sockets. */
@Injectable()
export class Membership {
  private readonly lookUps: Batcher<{ uuid: string; userId: number }, MemberRow | undefined>;

  constructor(reader: Reader) {
    this.lookUps = new Batcher((asked) => lookUpAll(reader, asked));
  }

  /** Reads what {@link requireMember} asks for, of a user of whom it is not known yet whether they are the caller. */
  lookUp(userId: number, uuid: string): Promise<MemberRow | undefined> {
    return this.lookUps.add({ uuid, userId });
  }

  /** @throws ParleyError (invalid) when there is no such chat, (forbidden) when the caller is no member. */
  async requireMember(
    { userId, username }: Caller,
    uuid: string,
    found = this.lookUp(userId, uuid),
  ): Promise<ChatAccess> {
    const chat = await found;
    if (!chat) throw unknownChat();
    if (chat.member === null) throw notAMember();
    return accessTo(chat, userId, username);
  }

  /**
   * As it is inside the transaction, where nobody else changes the chat or its members until the end.
   *
   * @throws ParleyError as {@link requireMember}, when things have changed since that.
   */
  async lock(tx: Transaction, { chatId, userId, username }: ChatAccess): Promise<ChatAccess> {
    const [chat] = await tx.query<ChatRow>(
      `SELECT ${CHAT_COLUMNS} FROM chats c WHERE c.id = ?${tx.forUpdate}`,
      [chatId],
    );
    if (!chat) throw unknownChat();
    if (!(await this.isMember(tx, chatId, userId))) throw notAMember();
    return accessTo(chat, userId, username);
  }

  async isMember(tx: Transaction, chatId: number, userId: number): Promise<boolean> {
    const found = await tx.query(`SELECT 1 FROM members WHERE chat_id = ? AND user_id = ?`, [chatId, userId]);
    return found.length > 0;
  }

  /** Makes members of users who are none yet; the first of them is the most senior. */
  async add(tx: Transaction, chatId: number, userIds: number[]): Promise<void> {
    const [{ newest }] = await tx.query<{ newest: number | null }>(
      'SELECT MAX(since) AS newest FROM members WHERE chat_id = ?',
      [chatId],
    );
    const first = Math.max(now(), (newest ?? 0) + 1);
    tx.insert(
      'members (chat_id, user_id, since, joined_at)',
      userIds.map((userId, index) => [chatId, userId, first + index, first + index]),
    );
  }

  /** Makes a user a member or, where they are one, renews when they joined; they own a chat that nobody owns. `false`: it is gone. */
  async join(tx: Transaction, chatId: number, userId: number): Promise<boolean> {
    const chats = await tx.query(`SELECT id FROM chats WHERE id = ?${tx.forUpdate}`, [chatId]);
    if (chats.length === 0) return false;
    const renewed = await tx.execute('UPDATE members SET joined_at = ? WHERE chat_id = ? AND user_id = ?', [
      now(),
      chatId,
      userId,
    ]);
    if (renewed === 0) await this.add(tx, chatId, [userId]);
    await tx.execute('UPDATE chats SET owner_id = ? WHERE id = ? AND owner_id IS NULL', [userId, chatId]);
    return true;
  }

  /** Ends one membership of a locked chat; see {@link settle} for what becomes of the chat. */
  async remove(tx: Transaction, chatId: number, userId: number): Promise<void> {
    await tx.execute('DELETE FROM members WHERE chat_id = ? AND user_id = ?', [chatId, userId]);
    await this.settle(tx, [chatId], userId);
  }

  /** Ends all memberships of a user, who is locked: nobody makes them a member of yet another chat. */
  async removeEverywhere(tx: Transaction, userId: number): Promise<void> {
    const rows = await tx.query<{ chat_id: number }>('SELECT chat_id FROM members WHERE user_id = ?', [
      userId,
    ]);
    const chatIds = rows.map(({ chat_id }) => chat_id);
    await lockChats(tx, chatIds);
    await tx.execute('DELETE FROM members WHERE user_id = ?', [userId]);
    for (const some of chunks(chatIds)) await this.settle(tx, some, userId);
  }

  /** Chats that `leaver` has left: the most senior member owns them now; those without members go, unless permanent. */
  private async settle(tx: Transaction, chatIds: number[], leaver: number): Promise<void> {
    await tx.execute(
      `UPDATE chats SET owner_id =
         (SELECT user_id FROM members WHERE chat_id = chats.id ORDER BY since LIMIT 1)
       WHERE owner_id = ? AND id IN (${placeholders(chatIds.length)})`,
      [leaver, ...chatIds],
    );
    await tx.execute(
      `DELETE FROM chats WHERE owner_id IS NULL AND NOT is_permanent AND id IN (${placeholders(chatIds.length)})`,
      chatIds,
    );
  }
}

const CHAT_COLUMNS = 'c.id, c.owner_id, c.next_seq, c.deleted_count';

interface ChatRow {
  id: number;
  owner_id: number | null;
  next_seq: number;
  deleted_count: number;
}

function accessTo(chat: ChatRow, userId: number, username: string): ChatAccess {
  const { id, owner_id, next_seq, deleted_count } = chat;
  return {
    chatId: id,
    userId,
    username,
    isOwner: owner_id === userId,
    nextSeq: next_seq,
    deletedCount: deleted_count,
  };
}

export interface MemberRow extends ChatRow {
  /** The user, if they are a member. */
  member: number | null;
}

/** The chats that users ask for, in that order. */
async function lookUpAll(
  reader: Reader,
  asked: { uuid: string; userId: number }[],
): Promise<(MemberRow | undefined)[]> {
  const all = padded(asked);
  const rows = await reader.query<MemberRow & { n: number }>(
    `SELECT asked.n, ${CHAT_COLUMNS}, m.user_id AS member
     FROM ${inlineTable(all.length, 'CAST(? AS SIGNED) AS n, ? AS uuid, CAST(? AS SIGNED) AS user_id')} asked
     JOIN chats c ON c.uuid = asked.uuid
     LEFT JOIN members m ON m.chat_id = c.id AND m.user_id = asked.user_id`,
    all.flatMap(({ uuid, userId }, n) => [n, uuid, userId]),
  );
  const found = Array<MemberRow | undefined>(all.length);
  for (const row of rows) found[row.n] = row;
  return found;
}

/** Locks chats in the order of their ids, as everybody does who locks several: they wait and never deadlock. */
export async function lockChats(tx: Transaction, chatIds: number[]): Promise<void> {
  for (const some of chunks(chatIds.toSorted((a, b) => a - b))) {
    await tx.query(
      `SELECT id FROM chats WHERE id IN (${placeholders(some.length)}) ORDER BY id${tx.forUpdate}`,
      some,
    );
  }
}
