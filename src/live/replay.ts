import { Injectable } from '@nestjs/common';
import { LOG_LIFETIME_US, type LogPosition } from '../changes/change-log.js';
import { chunks } from '../database/unit-of-work.js';
import { now } from '../helpers/clock.js';
import {
  type ChatProgress,
  type Cursor,
  cursorOf,
  decodeCursor,
  digestOf,
  encodeCursor,
  OVERLAP_US,
} from './cursor.js';
import { type Entry, entryOf } from './event-loader.js';
import {
  type ActiveChat,
  type Departure,
  HistoryRepository,
  type MessageKey,
  type ChangeRow,
  type Range,
} from './history.repository.js';

const MAX_EVENTS_OF_A_CHAT = 500;
const MAX_EVENTS = 5_000;

/** Indexes of a chat that a replay looks at. Some are of deleted messages. */
const MAX_INDEXES_READ = 2_000;

/** Chats whose histories are read together, which bounds the memory. */
const MAX_CHATS_AT_ONCE = 100;

/** Above this, a replay costs more than loading everything, so the client gets `recovered: false`. */
const MAX_ACTIVE_CHATS = 5_000;

/** What a client has missed. */
export interface Replay {
  /** Whether nothing is missed. */
  isRecovered: boolean;
  /** In the order of their delivery. */
  entries: Entry[];
  /** The id to resume from until the first event is delivered. */
  startId: string;
  epoch: string;
  /** The positions in the id. */
  known: ChatProgress[];
  /** When the histories were read. */
  at: number;
  /** Positions after the last entry, of chats that were active shortly before or since the id. */
  ends: Map<number, ChatProgress>;
}

interface Activity {
  chats: ActiveChat[];
  departures: Departure[];
}

/** A part of a chat's history to replay to one of its members. Its range has a bounded number of indexes. */
interface Part extends Range {
  chat: ActiveChat;
  /** Where the history ends, in the range or behind it. */
  end: LogPosition;
  /** Whether all messages since `from` are in the range of indexes. */
  isComplete: boolean;
  /** Whether the membership began meanwhile. */
  isAdded: boolean;
}

/** Finds what a client has missed. */
@Injectable()
export class Replays {
  constructor(private readonly history: HistoryRepository) {}

  /**
   * Returns what the user has missed since the event or cursor of an id; without one, nothing. A node of a cluster has applied what
   * the id knows, because the token was looked up after the client had it.
   */
  async find(userId: number, id: string | undefined): Promise<Replay> {
    const epoch = await this.history.getEpoch();
    const readAt = now();
    const since = id === undefined ? undefined : decodeCursor(id);
    const isUsable =
      since?.epoch === epoch && since.at > readAt - LOG_LIFETIME_US && since.at < readAt + OVERLAP_US;
    const start = (isUsable ? since.at : readAt) - OVERLAP_US;
    const activity = await this.readActivity(userId, start);
    const ends = new Map(progressOf(activity, start).map((end) => [end.chatId, end]));
    const found = { epoch, known: since?.known ?? [], at: readAt, ends };
    if (id !== undefined && isUsable && !isAhead(since, activity) && !isTooMuch(activity)) {
      return { ...found, isRecovered: true, entries: await this.findEntries(since, activity), startId: id };
    }
    const startId = encodeCursor(cursorOf(epoch, readAt, ends.values()));
    return { ...found, isRecovered: false, entries: [], startId };
  }

  private async readActivity(userId: number, since: number): Promise<Activity> {
    const limit = MAX_ACTIVE_CHATS + 1;
    const [chats, departures] = await Promise.all([
      this.history.findActive(userId, since, limit),
      this.history.findDepartures(userId, since, limit),
    ]);
    return { chats, departures };
  }

  private async findEntries(since: Cursor, activity: Activity): Promise<Entry[]> {
    const start = since.at - OVERLAP_US;
    const known = new Map(since.known.map((chat) => [chat.chatId, chat]));
    const others = progressOf(activity, start).filter(({ chatId }) => !known.has(chatId));
    const isUnchanged = since.digest !== '' && digestOf(others) === since.digest;
    const isNew = ({ chatId, at }: { chatId: number; at: number }) => {
      const position = known.get(chatId);
      return position ? at > Math.max(position.at, start) : !isUnchanged;
    };

    const parts: Part[] = [];
    const marksAndDepartures: Entry[] = [];
    for (const chat of activity.chats) {
      const { chatId, readAt } = chat;
      const position = known.get(chatId);
      const part = partOf(chat, position, start);
      const isBehind = part.isAdded || part.from.at < part.end.at;
      if (isNew({ chatId, at: part.end.at }) && isBehind) parts.push(part);
      if (readAt > Math.max(position?.readAt ?? start, start) && (position || !isUnchanged)) {
        // Behind the messages, because `chat.read` holds the present number of unread messages.
        marksAndDepartures.push({
          ...refOf(chat),
          type: 'chat.read',
          at: Math.max(part.end.at, readAt),
          seq: 0,
        });
      }
    }
    for (const { chatId, uuid, at, type } of activity.departures) {
      if (!isNew({ chatId, at })) continue;
      const reason = type === 'deleted' ? 'deleted' : type === 'member.left' ? 'left' : 'removed';
      marksAndDepartures.push({ chat: { id: chatId, uuid }, type: 'chat.removed', at, seq: 0, reason });
    }
    const histories = await this.findEntriesOf(parts);
    return [...histories, ...marksAndDepartures].toSorted((a, b) => a.at - b.at || a.chat.id - b.chat.id);
  }

  /** Reads the histories of the chats that were active last; `chat.limited` stands for what is not replayed. */
  private async findEntriesOf(parts: Part[]): Promise<Entry[]> {
    const latestFirst = parts.toSorted((a, b) => b.end.at - a.end.at);
    const entries: Entry[] = [];
    for (const some of chunks(latestFirst, MAX_CHATS_AT_ONCE)) {
      const isFull = entries.length >= MAX_EVENTS;
      const histories = isFull ? [] : await this.readHistories(some);
      for (const [n, part] of some.entries()) {
        const history = histories[n];
        const room = MAX_EVENTS - entries.length;
        const isWhole = part.to.seq === part.end.seq;
        if (history && isWhole && history.length <= Math.min(room, MAX_EVENTS_OF_A_CHAT)) {
          entries.push(...history);
          continue;
        }
        // If the client disconnects before `chat.limited`, it resumes from one of these.
        if (history && part.isComplete && room >= MAX_EVENTS_OF_A_CHAT) {
          entries.push(...history.slice(0, MAX_EVENTS_OF_A_CHAT));
        }
        entries.push({ ...refOf(part.chat), type: 'chat.limited', ...part.end });
      }
    }
    return entries;
  }

  /** Returns the first entries of each part, up to 501. */
  private async readHistories(parts: Part[]): Promise<(Entry[] | undefined)[]> {
    const limit = MAX_EVENTS_OF_A_CHAT + 1;
    const changed = parts.filter(({ chat, from }) => chat.lastChangeAt > from.at);
    const [messages, changes] = await Promise.all([
      this.history.findMessageKeys(parts, limit),
      this.history.findChanges(changed, limit),
    ]);
    const messagesOf = groupByChat(messages);
    const changesOf = groupByChat(changes);
    return parts.map((part) =>
      merge(part, messagesOf.get(part.chatId) ?? [], changesOf.get(part.chatId) ?? []).slice(0, limit),
    );
  }
}

function groupByChat<Row extends { chatId: number }>(rows: Row[]): Map<number, Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.chatId);
    if (group) group.push(row);
    else groups.set(row.chatId, [row]);
  }
  return groups;
}

function refOf({ chatId, uuid }: ActiveChat) {
  return { chat: { id: chatId, uuid } };
}

/** Returns the entries of a part in their order, for a member. */
function merge(part: Part, messages: MessageKey[], changes: ChangeRow[]): Entry[] {
  const { chat } = refOf(part.chat);
  const entries: Entry[] = messages.map(({ seq, at }) => ({
    chat,
    type: 'message.created',
    at,
    seq: seq + 1,
    index: seq,
  }));
  for (const change of changes) {
    // `chat.added`, at the start of the membership, stands for it.
    if (change.type !== 'chat.created') entries.push(entryOf(chat, change, part.from.seq));
  }
  entries.sort((a, b) => a.at - b.at);
  const { since } = part.chat;
  if (part.isAdded) entries.unshift({ chat, type: 'chat.added', at: since, seq: part.from.seq });
  return entries;
}

/** Returns the part of a chat's history that a member has missed. */
function partOf(chat: ActiveChat, progress: ChatProgress | undefined, start: number): Part {
  const { chatId, nextSeq, lastSentAt, lastChangeAt, since } = chat;
  const end = { at: Math.max(lastSentAt, lastChangeAt), seq: nextSeq };
  // The id may hold a marker without a position.
  const known = Math.max(progress?.at ?? start, start);
  const isAdded = since > known;
  const knownSeq = isAdded ? 0 : (progress?.seq ?? 0);
  const firstSeq = knownSeq || Math.max(0, nextSeq - MAX_EVENTS_OF_A_CHAT - 1);
  const from = { at: Math.max(known, since), seq: firstSeq };
  // A client may make up an id with any index.
  const to = { at: end.at, seq: Math.min(nextSeq, firstSeq + MAX_INDEXES_READ) };
  return { chatId, chat, from, to, end, isComplete: knownSeq > 0 || firstSeq === 0, isAdded };
}

/** Returns the present ends of the chats that were active since `start`. */
function progressOf({ chats, departures }: Activity, start: number): ChatProgress[] {
  const ends = new Map<number, ChatProgress>();
  for (const { chatId, at } of departures) ends.set(chatId, { chatId, at, seq: 0, readAt: 0 });
  for (const { chatId, nextSeq: seq, lastSentAt, lastChangeAt, readAt } of chats) {
    const at = Math.max(lastSentAt, lastChangeAt);
    ends.set(chatId, { chatId, at, seq, readAt: readAt > start ? readAt : 0 });
  }
  return [...ends.values()].filter(({ at, readAt }) => at > start || readAt > start);
}

/** Returns whether the cursor holds positions that this database has not reached, because a backup was restored. */
function isAhead({ at: cursorAt, known }: Cursor, activity: Activity): boolean {
  const start = cursorAt - OVERLAP_US;
  const ends = new Map(progressOf(activity, 0).map((end) => [end.chatId, end]));
  return known.some(({ chatId, at, seq }) => {
    const end = ends.get(chatId);
    return at > start && (!end || end.at < at || (end.seq > 0 && end.seq < seq));
  });
}

function isTooMuch({ chats, departures }: Activity): boolean {
  return chats.length + departures.length > MAX_ACTIVE_CHATS;
}
