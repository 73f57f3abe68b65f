import { Injectable } from '@nestjs/common';
import { chunks } from '../database/unit-of-work.js';
import { now } from '../helpers/clock.js';
import { ChatsRepository } from '../chats/chats.repository.js';
import type { Marked } from '../membership/membership.service.js';
import { MessageAssembler } from '../messages/message-assembler.js';
import type { MessageRow } from '../messages/message-row.js';
import { MessagesRepository } from '../messages/messages.repository.js';
import type { UserDto } from '../users/dto/users.dto.js';
import { UserNamesRepository } from '../users/user-names.repository.js';
import { type ChatProgress, encodeCursor } from './cursor.js';
import { type ChangeRow, HistoryRepository } from './history.repository.js';
import { type ChatRef, type EventType, LiveEvent } from './live-event.js';

/** A reference to something that happened in a chat. Its event is made from the present state. */
export interface Entry {
  chat: ChatRef;
  type: EventType;
  /** In microseconds. */
  at: number;
  /** The index of the next message at that time, or less. */
  seq: number;
  /** The index of the message. */
  index?: number;
  userId?: number;
  erasedUser?: UserDto;
  reason?: 'left' | 'removed' | 'deleted';
}

/** More look-ups at once would fill the queue of all readers. */
const MAX_LOOKUPS = 512;

const CHANGE_EVENTS = {
  'chat.created': 'chat.added',
  'chat.updated': 'chat.updated',
  'chat.limited': 'chat.limited',
  'message.updated': 'message.updated',
  'message.deleted': 'message.deleted',
  'member.added': 'member.added',
  'member.left': 'member.removed',
  'member.removed': 'member.removed',
} as const;

export function entryOf(chat: ChatRef, change: ChangeRow, seq: number): Entry {
  const { type, at, userId, erasedUser } = change;
  return {
    chat,
    type: CHANGE_EVENTS[type],
    at,
    seq,
    index: change.seq ?? undefined,
    userId: userId ?? undefined,
    erasedUser: erasedUser === null ? undefined : (JSON.parse(erasedUser) as UserDto),
    reason: type === 'member.left' ? 'left' : type === 'member.removed' ? 'removed' : undefined,
  };
}

/** Makes events of entries, from the present state of what they refer to. */
@Injectable()
export class EventLoader {
  constructor(
    private readonly history: HistoryRepository,
    private readonly messages: MessagesRepository,
    private readonly assembler: MessageAssembler,
    private readonly names: UserNamesRepository,
    private readonly chats: ChatsRepository,
  ) {}

  /**
   * Returns the event of each entry, in a fixed number of queries for each 128 messages. An event is undefined if its
   * message or user is gone. `readerId` is the user whom a replay is for: `chat.added` and `chat.read` are made for this user, and
   * chats that the user has left have no events but `chat.removed`.
   */
  async load(entries: Entry[], readerId?: number): Promise<(LiveEvent | undefined)[]> {
    const [epoch, messages, users, chats, own] = await Promise.all([
      this.history.getEpoch(),
      this.loadMessages(entries),
      this.loadUsers(entries),
      this.loadChats(entries),
      readerId === undefined ? undefined : this.loadOwn(entries, readerId),
    ]);
    // Read after the texts, so that no text is from after the membership.
    const present = readerId === undefined ? undefined : await this.findChatsOf(readerId, entries);
    const limited = ({ chat, at, seq }: Entry) =>
      makeEvent(epoch, 'chat.limited', chat, {}, { chatId: chat.id, at, seq, readAt: 0 });
    return entries.map((entry, n) => {
      const { type, chat, index } = entry;
      if (present && type !== 'chat.removed' && !present.has(chat.id)) return undefined;
      const event = (data: object | undefined, at = entry.at, seq = entry.seq) =>
        data && makeEvent(epoch, type, chat, data, { chatId: chat.id, at, seq, readAt: 0 });
      switch (type) {
        case 'message.created':
        case 'message.updated': {
          const found = messages.get(n);
          if (!found) return undefined;
          const isNew = type === 'message.created';
          return event(
            found.message,
            isNew ? found.row.sent_at : entry.at,
            isNew ? found.row.seq + 1 : entry.seq,
          );
        }
        case 'message.deleted':
          return event({ index });
        case 'chat.limited':
          return limited(entry);
        case 'chat.removed':
          return event({ reason: entry.reason });
        case 'chat.updated':
          return event(chats.get(chat.id));
        case 'member.added':
        case 'member.removed': {
          const user = users.get(entry.userId ?? 0) ?? entry.erasedUser;
          if (user) return event({ user });
          // Nobody knows the name of a user who left first and was erased later.
          return type === 'member.removed' ? limited(entry) : undefined;
        }
        case 'chat.added':
          return event(own?.added.get(chat.uuid));
        case 'chat.read':
          return makeReadEvent(epoch, chat, entry.at, own?.read.get(chat.id));
        default:
          return undefined;
      }
    });
  }

  /** Returns the event of a marker that the user has just moved, unless the user has left the chat. */
  async loadRead({ chatId, userId, readAt }: Marked): Promise<LiveEvent | undefined> {
    const [epoch, uuids, states] = await Promise.all([
      this.history.getEpoch(),
      this.history.findUuids([chatId]),
      this.chats.findReadStates(userId, [chatId]),
    ]);
    const uuid = uuids.get(chatId);
    return uuid === undefined
      ? undefined
      : makeReadEvent(epoch, { id: chatId, uuid }, readAt, states.get(chatId));
  }

  /** Returns `chat.added` for users whose membership began at `at`, by user. */
  async loadAdded(
    chat: ChatRef,
    userIds: number[],
    at: number,
    seq: number,
  ): Promise<Map<number, LiveEvent>> {
    if (userIds.length === 0) return new Map();
    const [epoch, found] = await Promise.all([this.history.getEpoch(), this.chats.findFor(chat.id, userIds)]);
    const progress = { chatId: chat.id, at, seq, readAt: 0 };
    return new Map(
      Array.from(found, ([userId, data]) => [userId, makeEvent(epoch, 'chat.added', chat, data, progress)]),
    );
  }

  private async loadMessages(entries: Entry[]) {
    const wanted = entries.flatMap(({ type, chat, index }, n) =>
      (type === 'message.created' || type === 'message.updated') && index !== undefined
        ? [{ n, chatId: chat.id, index }]
        : [],
    );
    const rows: (MessageRow | undefined)[] = [];
    for (const some of chunks(wanted, MAX_LOOKUPS)) {
      rows.push(...(await Promise.all(some.map(({ chatId, index }) => this.messages.find(chatId, index)))));
    }
    const found = wanted.flatMap(({ n }, index) => {
      const row: MessageRow | undefined = rows[index];
      return row ? [{ n, row }] : [];
    });
    const messages = await this.assembler.assemble(found.map(({ row }) => row));
    return new Map(
      found.flatMap(({ n, row }, index) => {
        const message = messages[index];
        return message ? [[n, { row, message }] as const] : [];
      }),
    );
  }

  private findChatsOf(userId: number, entries: Entry[]): Promise<Set<number>> {
    const others = entries.filter(({ type }) => type !== 'chat.removed');
    return this.history.findChatsOf(userId, [...new Set(others.map(({ chat }) => chat.id))]);
  }

  private loadUsers(entries: Entry[]): Promise<Map<number, UserDto>> {
    return this.names.findByIds(new Set(entries.flatMap(({ userId }) => userId ?? [])));
  }

  private async loadChats(entries: Entry[]): Promise<Map<number, object>> {
    const ids = [...new Set(entries.flatMap(({ type, chat }) => (type === 'chat.updated' ? [chat.id] : [])))];
    if (ids.length === 0) return new Map();
    const chats = await this.history.findNames(ids);
    const owners = await this.names.findByIds(new Set(chats.flatMap(({ ownerId }) => ownerId ?? [])));
    return new Map(
      chats.map(({ id, name, ownerId }) => [id, { name, owner: owners.get(ownerId ?? 0)?.username ?? null }]),
    );
  }

  private async loadOwn(entries: Entry[], userId: number) {
    const idsOf = (wanted: EventType) => [
      ...new Set(entries.flatMap(({ type, chat }) => (type === wanted ? [chat.id] : []))),
    ];
    const [addedIds, readIds] = [idsOf('chat.added'), idsOf('chat.read')];
    const [added, read] = await Promise.all([
      addedIds.length === 0 ? [] : this.chats.findByIds(userId, addedIds),
      this.chats.findReadStates(userId, readIds),
    ]);
    return { added: new Map(added.map((chat) => [chat.uuid, chat])), read };
  }
}

function makeEvent(
  epoch: string,
  type: EventType,
  chat: ChatRef,
  data: object,
  progress: ChatProgress,
): LiveEvent {
  // If a clock was set back, times of the chat may lie in the future.
  const at = Math.min(progress.at, now());
  const id = encodeCursor({ epoch, at, known: [progress], digest: '' });
  return new LiveEvent({ type, chat, data, progress, id });
}

/** A marker moves without the chat's lock, so its event holds no position in the chat's history. */
function makeReadEvent(
  epoch: string,
  chat: ChatRef,
  readAt: number,
  data: object | undefined,
): LiveEvent | undefined {
  const id = encodeCursor({ epoch, at: Math.min(readAt, now()), known: [], digest: '' });
  const progress = { chatId: chat.id, at: 0, seq: 0, readAt };
  return data && new LiveEvent({ type: 'chat.read', chat, data, progress, id });
}
