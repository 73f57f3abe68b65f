import type { ChatChange, ChangeType } from '../changes/chat-change.entity.js';
import { addChanges, type ChatRange, type LogPosition } from '../changes/change-log.js';
import { chunks, inlineTable, placeholders, type Transaction } from '../database/unit-of-work.js';
import type { ParleyError } from '../errors/errors.js';
import { now } from '../helpers/clock.js';
import { addRemoval, ERASED_USERS } from '../removals/removals.service.js';
import { Chat } from './chat.entity.js';
import { chatNotFound, notAMember } from './membership-errors.js';

export interface ChatKey {
  chatId: number;
  userId: number;
}

/** A message's index in its chat, and when it was sent in microseconds. */
export interface Position {
  seq: number;
  sentAt: number;
}

/** How a membership ends. The name of an erased user is kept in the log. */
export interface Departure {
  type: 'member.left' | 'member.removed';
  erasedUser?: UserName;
}

export interface UserName {
  name: string;
  username: string;
}

interface NewChat {
  uuid: string;
  name: string;
  /** The most senior member first, who owns the chat. */
  memberIds: number[];
  isPermanent: boolean;
}

/** SQLite refuses a UNION of more than 500 SELECTs. */
const MAX_PAIRS = 500;

/** The id of no user. */
const NOBODY = 0;

type ChatState = Omit<Chat, 'uuid' | 'name' | 'memberCount'>;

/**
 * A chat whose row the transaction holds until it ends: nobody else changes the chat, its members or its messages
 * meanwhile. The constructor is private, so an instance proves the lock.
 *
 * Every change of a chat is a method of this class, which also records the change in the log. The counters (next index,
 * deletions, last times) change in memory and are saved once, before the commit.
 */
export class LockedChat {
  readonly id: number;
  /** Maps each sender to the index after the sender's last message. */
  private readonly newReadNext = new Map<number, number>();
  private readonly changes: ChatChange[] = [];
  private readonly affected: number[] = [];
  private readonly start: LogPosition;
  private hasNewCounters = false;
  private isDeleted = false;

  private constructor(
    private readonly tx: Transaction,
    private readonly state: ChatState,
    private readonly memberIds = new Set<number>(),
    start?: LogPosition,
  ) {
    this.id = state.id;
    this.start = start ?? this.position;
  }

  /**
   * Locks chats in the order of their ids, so that two transactions wait for each other and never deadlock. Returns the
   * chats that exist, by id. Users of one chat share its object.
   */
  static async lockAll(tx: Transaction, keys: ChatKey[]): Promise<Map<number, LockedChat>> {
    const pairs = [...new Map(keys.map((key) => [`${key.chatId} ${key.userId}`, key])).values()];
    pairs.sort((a, b) => a.chatId - b.chatId);
    const chats = new Map<number, LockedChat>();
    for (const some of chunks(pairs, MAX_PAIRS)) await LockedChat.lockSome(tx, some, chats);
    tx.beforeCommit(() => LockedChat.saveAll(tx, [...chats.values()]));
    return chats;
  }

  private static async lockSome(
    tx: Transaction,
    pairs: ChatKey[],
    chats: Map<number, LockedChat>,
  ): Promise<void> {
    const chatIds = [...new Set(pairs.map(({ chatId }) => chatId))];
    const [states, members] = await tx.queryAll([
      {
        sql: `SELECT id, owner_id AS ownerId, is_permanent AS isPermanent, next_seq AS nextSeq,
                deleted_count AS deletedCount, last_sent_at AS lastSentAt, last_change_at AS lastChangeAt
              FROM chats WHERE id IN (${placeholders(chatIds.length)}) ORDER BY id${tx.forUpdate}`,
        values: chatIds,
      },
      {
        sql: `SELECT m.chat_id AS chatId, m.user_id AS userId
              FROM ${inlineTable(pairs.length, '? AS chat_id, ? AS user_id')} asked
              JOIN members m ON m.chat_id = asked.chat_id AND m.user_id = asked.user_id`,
        values: pairs.flatMap(({ chatId, userId }) => [chatId, userId]),
      },
    ]);
    for (const state of states as ChatState[]) {
      // A chat may lie on the border of two round trips.
      if (!chats.has(state.id)) chats.set(state.id, new LockedChat(tx, state));
    }
    for (const { chatId, userId } of members as ChatKey[]) chats.get(chatId)?.memberIds.add(userId);
  }

  /** @throws ParleyError (chat_not_found, not_a_member). */
  static async lock(tx: Transaction, key: ChatKey): Promise<LockedChat> {
    const chat = (await LockedChat.lockAll(tx, [key])).get(key.chatId);
    if (!chat) throw chatNotFound();
    const refusal = chat.checkMember(key.userId);
    if (refusal) throw refusal;
    return chat;
  }

  /** Sets the counters of those chats whose counters are behind their messages. Returns the number of these chats. */
  static repairCounters(tx: Transaction, chatIds: number[]): Promise<number> {
    const last = (column: string) =>
      `(SELECT ${column} FROM messages m WHERE m.chat_id = chats.id ORDER BY m.seq DESC LIMIT 1)`;
    return tx.execute(
      `UPDATE chats SET last_sent_at = ${last('m.sent_at')}, next_seq = ${last('m.seq + 1')}
       WHERE id IN (${placeholders(chatIds.length)}) AND next_seq <= ${last('m.seq')}`,
      chatIds,
    );
  }

  /** Locks a chat for an operator, who is no member. @throws ParleyError (chat_not_found). */
  static async lockAny(tx: Transaction, chatId: number): Promise<LockedChat> {
    const chat = (await LockedChat.lockAll(tx, [{ chatId, userId: NOBODY }])).get(chatId);
    if (!chat) throw chatNotFound();
    return chat;
  }

  static async create(tx: Transaction, { memberIds, ...chat }: NewChat): Promise<LockedChat> {
    const manager = await tx.manager();
    const counters = { nextSeq: 0, deletedCount: 0, lastSentAt: now(), lastChangeAt: 0 };
    const row = { ...chat, ...counters, ownerId: memberIds[0] };
    const { identifiers } = await manager.insert(Chat, { ...row, memberCount: memberIds.length });
    const state = { ...row, id: identifiers[0].id as number };
    const created = new LockedChat(tx, state, new Set(memberIds), { at: 0, seq: 0 });
    tx.beforeCommit(() => {
      // After the first message, which is part of `chat.added` and has no event of its own.
      const since = created.nextTime();
      created.insertMembers(memberIds, since, 0);
      created.record('chat.created', {}, since + memberIds.length);
      LockedChat.saveAll(tx, [created]);
    });
    return created;
  }

  /** Returns why the user, for whom the chat was locked, may not act in it. */
  checkMember(userId: number): ParleyError | undefined {
    return this.memberIds.has(userId) ? undefined : notAMember();
  }

  async isMember(userId: number): Promise<boolean> {
    if (this.memberIds.has(userId)) return true;
    const sql = 'SELECT 1 FROM members WHERE chat_id = ? AND user_id = ?';
    return (await this.tx.query(sql, [this.id, userId])).length > 0;
  }

  isOwner(userId: number): boolean {
    return this.state.ownerId === userId;
  }

  /** Throws `refusal` unless the user owns the chat. */
  requireOwner(userId: number, refusal: () => ParleyError): void {
    if (!this.isOwner(userId)) throw refusal();
  }

  /**
   * Takes the position of one more message, up to which the sender has read the chat. Indexes are dense, and times
   * increase strictly.
   */
  takePosition(senderId: number): Position {
    const seq = this.state.nextSeq;
    this.state.nextSeq += 1;
    this.newReadNext.set(senderId, this.state.nextSeq);
    this.state.lastSentAt = this.nextTime();
    this.hasNewCounters = true;
    return { seq, sentAt: this.state.lastSentAt };
  }

  /** Where the chat's history ends. */
  private get position(): LogPosition {
    const { lastSentAt, lastChangeAt, nextSeq } = this.state;
    return { at: Math.max(lastSentAt, lastChangeAt), seq: nextSeq };
  }

  /** Returns a time that is later than everything in the chat, so that times order its messages and changes. */
  private nextTime(): number {
    return Math.max(now(), this.position.at + 1);
  }

  /** Adds a change to the log, and returns its time. */
  private record(
    type: ChangeType,
    { seq = null, userId = null, erasedUser = null }: Partial<ChatChange> = {},
    at = this.nextTime(),
  ): number {
    this.changes.push({ chatId: this.id, at, type, seq, userId, erasedUser });
    this.state.lastChangeAt = at;
    return at;
  }

  /** Records that a message was edited, or that its file was uploaded. */
  recordUpdate(seq: number): void {
    this.record('message.updated', { seq });
  }

  recordDeletion(seq: number): void {
    this.record('message.deleted', { seq });
    this.countDeletions(1);
  }

  /** Records that messages of an erased user have vanished. */
  recordErasure(): void {
    this.record('chat.limited');
  }

  countDeletions(count: number): void {
    this.state.deletedCount += count;
    this.hasNewCounters = true;
  }

  rename(name: string): void {
    this.tx.defer('UPDATE chats SET name = ? WHERE id = ?', [name, this.id]);
    this.record('chat.updated');
  }

  /** Adds a user who is no member. */
  addMember(userId: number): void {
    const since = this.record('member.added', { userId });
    this.insertMembers([userId], since, this.state.nextSeq);
    this.memberIds.add(userId);
    this.affected.push(userId);
    this.tx.defer('UPDATE chats SET member_count = member_count + 1 WHERE id = ?', [this.id]);
  }

  /** Inserts users, of whom the first is the most senior one. */
  private insertMembers(userIds: number[], since: number, readNext: number): void {
    this.tx.insert(
      'members (chat_id, user_id, since, joined_at, read_next)',
      userIds.map((userId, index) => [this.id, userId, since + index, since + index, readNext]),
    );
  }

  /** Adds the user, or renews `joined_at` of a member. A chat without an owner passes to the user. */
  async join(userId: number): Promise<void> {
    if (await this.isMember(userId)) {
      const sql = 'UPDATE members SET joined_at = ? WHERE chat_id = ? AND user_id = ?';
      this.tx.defer(sql, [now(), this.id, userId]);
    } else {
      this.addMember(userId);
    }
    if (this.state.ownerId === null) this.setOwner(userId);
  }

  removeMember(userId: number, type: 'member.left' | 'member.removed'): Promise<void> {
    return LockedChat.removeFromAll(this.tx, [this], userId, { type });
  }

  /**
   * Removes a member from chats. What the member owned passes to the most senior of the others. A chat without members is
   * deleted, unless it is permanent.
   */
  static async removeFromAll(
    tx: Transaction,
    chats: LockedChat[],
    userId: number,
    departure: Departure,
  ): Promise<void> {
    for (const some of chunks(chats)) {
      const successors = await tx.query<ChatKey>(
        `SELECT c.id AS chatId, m.user_id AS userId FROM chats c JOIN members m ON m.chat_id = c.id AND m.since = (
           -- Not MIN: MariaDB would read all members for it.
           SELECT since FROM members WHERE chat_id = c.id AND user_id <> ? AND user_id NOT IN ${ERASED_USERS}
           ORDER BY since LIMIT 1)
         WHERE c.id IN (${placeholders(some.length)})`,
        [userId, ...some.map(({ id }) => id)],
      );
      const successorOf = new Map(successors.map((successor) => [successor.chatId, successor.userId]));
      for (const chat of some) chat.removeBefore(successorOf.get(chat.id) ?? null, userId, departure);
    }
  }

  private removeBefore(successorId: number | null, userId: number, { type, erasedUser }: Departure): void {
    this.memberIds.delete(userId);
    this.affected.push(userId);
    this.record(type, { userId, erasedUser: erasedUser ? JSON.stringify(erasedUser) : null });
    this.tx.defer('DELETE FROM members WHERE chat_id = ? AND user_id = ?', [this.id, userId]);
    this.tx.defer('UPDATE chats SET member_count = member_count - 1 WHERE id = ?', [this.id]);
    if (this.isOwner(userId)) this.setOwner(successorId);
    if (successorId === null && !this.state.isPermanent) this.delete();
  }

  private setOwner(userId: number | null): void {
    this.state.ownerId = userId;
    this.tx.defer('UPDATE chats SET owner_id = ? WHERE id = ?', [userId, this.id]);
    this.record('chat.updated');
  }

  /** Deletes the chat's row and its room, which hides the rest. Messages are removed after the commit. */
  delete(): void {
    this.isDeleted = true;
    this.state.lastChangeAt = this.nextTime();
    this.tx.defer(
      'INSERT INTO deleted_chats (chat_id, uuid, deleted_at) SELECT id, uuid, ? FROM chats WHERE id = ?',
      [this.state.lastChangeAt, this.id],
    );
    this.tx.defer('DELETE FROM chats WHERE id = ?', [this.id]);
    addRemoval(this.tx, 'chat', this.id);
  }

  private static saveAll(tx: Transaction, chats: LockedChat[]): void {
    const changed = chats.filter(({ hasNewCounters, isDeleted }) => hasNewCounters && !isDeleted);
    const markers = changed.flatMap(({ id, newReadNext }) =>
      Array.from(newReadNext, ([userId, readNext]) => [id, userId, readNext]),
    );
    tx.update('members', ['chat_id', 'user_id', 'read_next'], markers);
    addChanges(
      tx,
      chats.flatMap(({ changes }) => changes),
    );
    for (const { id, changes, isDeleted, state } of chats) {
      if (changes.length === 0 || isDeleted) continue;
      tx.defer('UPDATE chats SET last_change_at = ? WHERE id = ?', [state.lastChangeAt, id]);
    }
    for (const some of chunks(changed)) {
      const cases = some.map(() => 'WHEN ? THEN ?').join(' ');
      const valuesOf = (counter: 'nextSeq' | 'deletedCount' | 'lastSentAt') =>
        some.flatMap(({ id, state }) => [id, state[counter]]);
      tx.defer(
        `UPDATE chats SET next_seq = CASE id ${cases} END, deleted_count = CASE id ${cases} END,
           last_sent_at = CASE id ${cases} END
         WHERE id IN (${placeholders(some.length)})`,
        [
          ...valuesOf('nextSeq'),
          ...valuesOf('deletedCount'),
          ...valuesOf('lastSentAt'),
          ...some.map(({ id }) => id),
        ],
      );
    }
    const ranges = chats.flatMap((chat) => chat.newRange);
    if (ranges.length > 0) tx.publish('chatsChanged', ranges);
  }

  /** What the transaction adds to the chat's history: none or one. */
  private get newRange(): ChatRange[] {
    const { id, start, position, changes, affected, isDeleted } = this;
    return position.at === start.at
      ? []
      : [{ chatId: id, from: start, to: position, hasChanges: changes.length > 0, affected, isDeleted }];
  }
}
