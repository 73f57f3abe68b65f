import { Injectable } from '@nestjs/common';
import type { ChangeType } from '../changes/chat-change.entity.js';
import type { LogPosition } from '../changes/change-log.js';
import { findEpoch } from '../database/epoch.js';
import { readSince } from '../database/read-in-chunks.js';
import { chunks, placeholders, Reader } from '../database/unit-of-work.js';
import type { Marked } from '../membership/membership.service.js';

/** Chats whose ranges are read by one query. */
const MAX_RANGES_PER_QUERY = 100;

/** A chat of a user in which something has happened. */
export interface ActiveChat {
  chatId: number;
  uuid: string;
  nextSeq: number;
  lastSentAt: number;
  lastChangeAt: number;
  /** The start of the membership. */
  since: number;
  readAt: number;
}

export interface Departure {
  chatId: number;
  uuid: string;
  at: number;
  type: 'member.left' | 'member.removed' | 'deleted';
}

/** Where a chat's history ends. */
export interface ChatEnd extends LogPosition {
  chatId: number;
  lastChangeAt: number;
  isDeleted: boolean;
}

/** A part of a chat's history: after `from`, up to `to`. */
export interface Range {
  chatId: number;
  from: LogPosition;
  to: LogPosition;
}

export interface MessageKey {
  chatId: number;
  seq: number;
  at: number;
}

export interface ChangeRow {
  chatId: number;
  at: number;
  type: ChangeType;
  seq: number | null;
  userId: number | null;
  erasedUser: string | null;
}

interface ChatEndRow {
  chatId: number;
  seq: number;
  lastSentAt: number;
  lastChangeAt: number;
  isDeleted: number;
}

/** Each reads a range of an index and no rows. */
const RECENT_CHATS = [
  'SELECT id AS chatId, last_sent_at AS at FROM chats WHERE last_sent_at > ? ORDER BY last_sent_at LIMIT ?',
  'SELECT id AS chatId, last_change_at AS at FROM chats WHERE last_change_at > ? ORDER BY last_change_at LIMIT ?',
  'SELECT chat_id AS chatId, deleted_at AS at FROM deleted_chats WHERE deleted_at > ? ORDER BY deleted_at LIMIT ?',
];

const RECENT_MARKS =
  'SELECT chat_id AS chatId, user_id AS userId, read_at AS at FROM members WHERE read_at > ? ORDER BY read_at LIMIT ?';

/** Reads the histories of chats. Times are in microseconds. */
@Injectable()
export class HistoryRepository {
  private epoch?: string;

  constructor(private readonly reader: Reader) {}

  /** Returns a name of this database, which a restore changes. */
  async getEpoch(): Promise<string> {
    this.epoch ??= (await findEpoch(this.reader)).slice(0, 8);
    return this.epoch;
  }

  /** Lets what is read next contain all that was committed through any node of a cluster. */
  syncWithCluster(): Promise<void> {
    return this.reader.syncWithCluster();
  }

  /** Returns up to `limit` chats of a user in which something happened after `since`. */
  findActive(userId: number, since: number, limit: number): Promise<ActiveChat[]> {
    return this.reader.query(
      `SELECT c.id AS chatId, c.uuid, c.next_seq AS nextSeq, c.last_sent_at AS lastSentAt,
         c.last_change_at AS lastChangeAt, m.since, m.read_at AS readAt
       FROM members m JOIN chats c ON c.id = m.chat_id
       WHERE m.user_id = ? AND (c.last_sent_at > ? OR c.last_change_at > ? OR m.read_at > ?)
       ORDER BY m.chat_id LIMIT ?`,
      [userId, since, since, since, limit],
    );
  }

  /** Returns up to `limit` times when the user's membership of a chat ended, after `since`, by their time. */
  async findDepartures(userId: number, since: number, limit: number): Promise<Departure[]> {
    const [departures, deletions] = await Promise.all([
      this.reader.query<Departure>(
        `SELECT x.chat_id AS chatId, x.at, x.type, COALESCE(c.uuid, d.uuid) AS uuid FROM chat_changes x
         LEFT JOIN chats c ON c.id = x.chat_id LEFT JOIN deleted_chats d ON d.chat_id = x.chat_id
         WHERE x.user_id = ? AND x.at > ? AND x.type IN ('member.left', 'member.removed')
         ORDER BY x.at LIMIT ?`,
        [userId, since, limit],
      ),
      this.reader.query<Departure>(
        `SELECT d.chat_id AS chatId, d.deleted_at AS at, 'deleted' AS type, d.uuid FROM members m
         JOIN deleted_chats d ON d.chat_id = m.chat_id
         WHERE m.user_id = ? AND d.deleted_at > ? ORDER BY m.chat_id LIMIT ?`,
        [userId, since, limit],
      ),
    ]);
    return [...departures, ...deletions].filter(({ uuid }) => uuid !== null);
  }

  /** Returns the messages of each range, up to `limit` of each. */
  async findMessageKeys(ranges: Range[], limit: number): Promise<MessageKey[]> {
    return this.readRanges<MessageKey>(
      `SELECT * FROM (SELECT chat_id AS chatId, seq, sent_at AS at FROM messages
        WHERE chat_id = ? AND seq >= ? AND seq < ? AND sent_at > ? ORDER BY seq LIMIT ${limit}) one`,
      ranges.filter(({ from, to }) => from.seq < to.seq),
      ({ chatId, from, to }) => [chatId, from.seq, to.seq, from.at],
    );
  }

  /** Returns the changes of each range, up to `limit` of each. */
  async findChanges(ranges: Range[], limit: number): Promise<ChangeRow[]> {
    return this.readRanges<ChangeRow>(
      `SELECT * FROM (SELECT chat_id AS chatId, at, type, seq, user_id AS userId, erased_user AS erasedUser
        FROM chat_changes WHERE chat_id = ? AND at > ? AND at <= ? ORDER BY at LIMIT ${limit}) one`,
      ranges,
      ({ chatId, from, to }) => [chatId, from.at, to.at],
    );
  }

  private async readRanges<Row>(
    selectOne: string,
    ranges: Range[],
    valuesOf: (range: Range) => number[],
  ): Promise<Row[]> {
    const rows: Row[] = [];
    for (const some of chunks(ranges, MAX_RANGES_PER_QUERY)) {
      const sql = some.map(() => selectOne).join(' UNION ALL ');
      for (const row of await this.reader.query<Row>(sql, some.flatMap(valuesOf))) rows.push(row);
    }
    return rows;
  }

  /** Returns the uuids of chats, also of deleted ones, by id. */
  async findUuids(chatIds: number[]): Promise<Map<number, string>> {
    const uuids = new Map<number, string>();
    for (const some of chunks(chatIds)) {
      const list = placeholders(some.length);
      const rows = await this.reader.query<{ id: number; uuid: string }>(
        `SELECT id, uuid FROM chats WHERE id IN (${list})
         UNION ALL SELECT chat_id, uuid FROM deleted_chats WHERE chat_id IN (${list})`,
        [...some, ...some],
      );
      for (const { id, uuid } of rows) uuids.set(id, uuid);
    }
    return uuids;
  }

  /** Returns the chats, also deleted ones, in which something happened after `since`. A chat may be returned several times. */
  async findRecentChats(since: number): Promise<{ chatId: number; at: number }[]> {
    const chats: { chatId: number; at: number }[] = [];
    for (const sql of RECENT_CHATS) {
      const some = await readSince(since, (after, limit) =>
        this.reader.query<{ chatId: number; at: number }>(sql, [after, limit]),
      );
      for (const chat of some) chats.push(chat);
    }
    return chats;
  }

  /** Returns which users have marked messages of which chats as read after `since`. */
  async findRecentMarks(since: number): Promise<Marked[]> {
    const marks = await readSince(since, (after, limit) =>
      this.reader.query<{ chatId: number; userId: number; at: number }>(RECENT_MARKS, [after, limit]),
    );
    return marks.map(({ chatId, userId, at }) => ({ chatId, userId, readAt: at }));
  }

  /** Returns where the histories of chats end, also of deleted ones. */
  async findEnds(chatIds: number[]): Promise<ChatEnd[]> {
    const ends: ChatEnd[] = [];
    for (const some of chunks(chatIds)) {
      const list = placeholders(some.length);
      const rows = await this.reader.query<ChatEndRow>(
        `SELECT id AS chatId, next_seq AS seq, last_sent_at AS lastSentAt, last_change_at AS lastChangeAt, 0 AS isDeleted
         FROM chats WHERE id IN (${list})
         UNION ALL SELECT chat_id, 0, 0, deleted_at, 1 FROM deleted_chats WHERE chat_id IN (${list})`,
        [...some, ...some],
      );
      for (const { chatId, seq, lastSentAt, lastChangeAt, isDeleted } of rows) {
        const at = Math.max(lastSentAt, lastChangeAt);
        ends.push({ chatId, at, seq, lastChangeAt, isDeleted: isDeleted === 1 });
      }
    }
    return ends;
  }

  /** Returns which of the chats the user is in at present, by what was committed through any node of a cluster. */
  async findChatsOf(userId: number, chatIds: number[]): Promise<Set<number>> {
    if (chatIds.length === 0) return new Set();
    const rows = await this.reader.queryLatest<{ chatId: number }>(
      `SELECT c.id AS chatId FROM members m JOIN chats c ON c.id = m.chat_id
       WHERE m.user_id = ? AND m.chat_id IN (${placeholders(chatIds.length)})`,
      [userId, ...chatIds],
    );
    return new Set(rows.map(({ chatId }) => chatId));
  }

  findNames(chatIds: number[]): Promise<{ id: number; name: string; ownerId: number | null }[]> {
    return this.reader.query(
      `SELECT id, name, owner_id AS ownerId FROM chats WHERE id IN (${placeholders(chatIds.length)})`,
      chatIds,
    );
  }
}
