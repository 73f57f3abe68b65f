import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { ChatRange } from '../changes/change-log.js';
import { ChatsRepository } from '../chats/chats.repository.js';
import { isUnavailable } from '../database/driver-errors.js';
import type { TopicPayloads } from '../database/topics.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { now } from '../helpers/clock.js';
import type { Marked } from '../membership/membership.service.js';
import type { Caller } from '../tokens/caller.js';
import { type Entry, entryOf, EventLoader } from './event-loader.js';
import { HistoryRepository, type ChangeRow, type Range } from './history.repository.js';
import { type ChatRef, LiveEvent } from './live-event.js';

declare module '../database/topics.js' {
  interface TopicPayloads {
    /** Published when an event is delivered to the followers among the members: the age of the event in microseconds. */
    eventDelivered: number;
  }
}

export type EndReason = 'token_invalid' | 'restart' | 'too_slow';

/** A client that follows its user's chats. */
export interface Follower {
  readonly caller: Caller;
  /** Queues an event until {@link flush}. Returns false if the client has the event already, or has disconnected. */
  push(event: LiveEvent): boolean;
  flush(): void;
  end(reason: EndReason): void;
}

/** A chat, its cached members, and what is still to be delivered to them. */
interface Channel {
  chatId: number;
  chat?: ChatRef;
  /** The start of each membership, by user. */
  members?: Map<number, number>;
  /** The range of the history that is not delivered yet. */
  range?: ChatRange;
  /** Users whose membership has begun or ended since the delivery under way began; undefined if unknown. */
  affectedMeanwhile?: number[];
  /** Names of users who type, by id. */
  typists: Map<number, string>;
}

/** Bounds the cached members of all channels, about 50 bytes each. A channel itself counts as 20 members. */
const MAX_MEMBERS = 1_000_000;
const CHANNEL_SIZE = 20;

const MAX_EVENTS_OF_A_CHANNEL = 500;
const MAX_CHANGES_PER_QUERY = 500;
const MAX_READS_AT_ONCE = 8;
const RETRY_MS = 500;

/**
 * Delivers what happens in chats to the followers among their members. After a commit it reads the range of the history that the
 * commit has added, and delivers each event to those who were members at that position. No writer waits for this.
 */
@Injectable()
export class FanOut implements OnModuleInit {
  private readonly logger = new Logger('FanOut');
  private readonly followers = new Map<number, Set<Follower>>();
  private channels = newChannels();
  /** Channels with something to deliver. */
  private pending = new Set<Channel>();
  /** Markers to deliver, by user and chat. */
  private readonly reads = new Map<string, Marked>();
  /** Followers that have events to flush. */
  private readonly pushed = new Set<Follower>();
  private isWorking = false;
  private isLate = false;
  /** Events delivered to followers since the start. */
  delivered = 0;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly history: HistoryRepository,
    private readonly chats: ChatsRepository,
    private readonly loader: EventLoader,
  ) {}

  onModuleInit(): void {
    const { topics } = this.unitOfWork;
    topics.subscribe('typed', (typed) => this.addTyping(typed));
    // Clients resume, and read the log.
    topics.subscribe('databaseMoved', () => this.endAll('restart'));
  }

  get hasFollowers(): boolean {
    return this.followers.size > 0;
  }

  /** Delivers to the follower what happens from now on. */
  add(follower: Follower): void {
    const { userId } = follower.caller;
    const others = this.followers.get(userId);
    if (others) others.add(follower);
    else this.followers.set(userId, new Set([follower]));
  }

  remove(follower: Follower): void {
    const { userId } = follower.caller;
    const followers = this.followers.get(userId);
    if (!followers?.delete(follower)) return;
    if (followers.size === 0) this.followers.delete(userId);
    // Without followers, changes of members are not applied, so cached members become stale.
    if (this.followers.size === 0) this.reset();
  }

  private reset(): void {
    this.channels = newChannels();
    this.pending.clear();
    this.reads.clear();
  }

  private addTyping({ chatId, userId, username }: TopicPayloads['typed']): void {
    if (this.followers.size === 0) return;
    const channel = this.channelOf(chatId);
    channel.typists.set(userId, username);
    this.schedule(channel);
  }

  /** Ranges of one chat must be added in order and without gaps. */
  addRanges(ranges: ChatRange[]): void {
    if (this.followers.size === 0) return;
    for (const range of ranges) {
      const channel = this.channelOf(range.chatId);
      channel.range = channel.range ? append(channel.range, range) : range;
      if (range.affected) channel.affectedMeanwhile?.push(...range.affected);
      else channel.affectedMeanwhile = undefined;
      this.schedule(channel);
    }
  }

  addReads(marked: Marked[]): void {
    for (const mark of marked) {
      if (this.followers.has(mark.userId)) this.reads.set(`${mark.userId} ${mark.chatId}`, mark);
    }
    if (this.reads.size > 0) void this.work();
  }

  endAll(reason: EndReason): void {
    for (const followers of this.followers.values()) for (const follower of followers) follower.end(reason);
  }

  followersOf(userId: number): Follower[] {
    return [...(this.followers.get(userId) ?? [])];
  }

  /** Ends the streams and polls that use a token. */
  endToken(userId: number, tokenId: string): void {
    for (const follower of this.followers.get(userId) ?? []) {
      if (follower.caller.tokenId === tokenId) follower.end('token_invalid');
    }
  }

  private channelOf(chatId: number): Channel {
    let channel = this.channels.get(chatId);
    if (!channel) {
      channel = { chatId, typists: new Map() };
      this.channels.set(chatId, channel);
    }
    return channel;
  }

  private schedule(channel: Channel): void {
    this.pending.add(channel);
    void this.work();
  }

  /** Delivers one batch after the other, so that events keep their order. */
  private async work(): Promise<void> {
    if (this.isWorking) return;
    this.isWorking = true;
    while (this.followers.size > 0 && (this.pending.size > 0 || this.reads.size > 0)) {
      const channels = this.pending;
      const known = this.channels;
      this.pending = new Set();
      try {
        await this.deliver([...channels]);
        this.isLate = false;
      } catch (error) {
        if (!this.isLate) this.logger.warn(`events are late: ${(error as Error).message}`);
        this.isLate = true;
        if (isUnavailable(error)) {
          // `reset` has dropped the channels, because their members are stale.
          if (this.channels === known) for (const channel of channels) this.pending.add(channel);
        } else {
          // Clients resume, and read the events through a replay.
          this.endAll('restart');
          this.reset();
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
    this.isWorking = false;
  }

  private async deliver(channels: Channel[]): Promise<void> {
    await this.history.syncWithCluster();
    await this.loadChannels(channels);
    const followed = channels.filter((channel) => {
      const isFollowed = channel.chat !== undefined && this.isFollowed(channel);
      if (!isFollowed) this.skip(channel);
      return isFollowed;
    });
    await this.deliverRanges(followed);
    for (const channel of channels) this.deliverTyping(channel);
    this.flush();
    await this.deliverReads();
    this.flush();
  }

  private flush(): void {
    for (const follower of this.pushed) follower.flush();
    this.pushed.clear();
  }

  private async loadChannels(channels: Channel[]): Promise<void> {
    const cold = channels.filter(({ members }) => !members);
    if (cold.length === 0) return;
    const ids = cold.map(({ chatId }) => chatId);
    const [uuids, members] = await Promise.all([this.history.findUuids(ids), this.chats.allMembersOf(ids)]);
    for (const channel of cold) {
      const uuid = uuids.get(channel.chatId);
      channel.chat = uuid === undefined ? undefined : { id: channel.chatId, uuid };
      channel.members = new Map();
    }
    const byId = new Map(cold.map((channel) => [channel.chatId, channel]));
    for (const { chat_id, user_id, since } of members) byId.get(chat_id)?.members?.set(user_id, since);
    for (const channel of cold) {
      if (this.channels.peek(channel.chatId) !== channel) continue;
      // A chat that does not exist yet has no members to cache.
      if (channel.chat) this.channels.set(channel.chatId, channel);
      else this.channels.delete(channel.chatId);
    }
  }

  private isFollowed({ members = new Map(), range }: Channel): boolean {
    if (range && (!range.affected || range.affected.some((userId) => this.followers.has(userId))))
      return true;
    const [fewer, more] =
      members.size < this.followers.size ? [members, this.followers] : [this.followers, members];
    for (const userId of fewer.keys()) if (more.has(userId)) return true;
    return false;
  }

  /** Drops a range that nobody here follows. */
  private skip(channel: Channel): void {
    const { affected = [], isDeleted = false } = channel.range ?? {};
    // The cached members are stale now.
    if (affected.length > 0 || isDeleted) this.channels.delete(channel.chatId);
    channel.range = undefined;
  }

  private async deliverRanges(channels: Channel[]): Promise<void> {
    const all = channels.flatMap((channel) => {
      const { chat, range } = channel;
      channel.affectedMeanwhile = [];
      return chat && range ? [{ channel, chat, range }] : [];
    });
    const changes = await this.findAllChanges(all.flatMap(({ range }) => (range.hasChanges ? [range] : [])));
    const entries = all.map(({ chat, range }) =>
      entriesOf(
        chat,
        range,
        changes.filter(
          ({ chatId, at }) => chatId === range.chatId && at > range.from.at && at <= range.to.at,
        ),
      ),
    );
    const events = await this.loader.load(entries.flat());
    let start = 0;
    for (const [n, { channel, range }] of all.entries()) {
      const loaded = entries[n].map((entry, index) => ({ entry, event: events[start + index] }));
      start += entries[n].length;
      const { affectedMeanwhile } = channel;
      if (!affectedMeanwhile) {
        // The texts may be from after the end of somebody's membership, so they are read again.
        this.pending.add(channel);
        continue;
      }
      // Only a message's row has the time of the message.
      const timeOf = ({ entry, event }: Loaded) => event?.progress?.at ?? entry.at;
      await this.deliverRange(
        channel,
        loaded.toSorted((a, b) => timeOf(a) - timeOf(b)),
        affectedMeanwhile,
      );
      if (range.isDeleted) {
        await this.deliverDeletion(channel, range.to.at);
        this.channels.delete(channel.chatId);
      }
      // Commits may have appended to the range meanwhile.
      const present = channel.range;
      channel.range = present && present !== range ? { ...present, from: range.to } : undefined;
    }
  }

  /** Reads all changes of the ranges, because membership depends on each of them. */
  private async findAllChanges(ranges: Range[]): Promise<ChangeRow[]> {
    const found: ChangeRow[] = [];
    let rest = ranges;
    while (rest.length > 0) {
      const rows = await this.history.findChanges(rest, MAX_CHANGES_PER_QUERY);
      for (const row of rows) found.push(row);
      rest = rest.flatMap(({ chatId, from, to }) => {
        const own = rows.filter((row) => row.chatId === chatId);
        const at = own.at(-1)?.at ?? to.at;
        return own.length < MAX_CHANGES_PER_QUERY ? [] : [{ chatId, from: { ...from, at }, to }];
      });
    }
    return found;
  }

  private async deliverRange(channel: Channel, loaded: Loaded[], affectedMeanwhile: number[]): Promise<void> {
    const { chat, members = new Map<number, number>() } = channel;
    if (!chat) return;
    // Former members get only `chat.removed` of this range, because events of messages show their present text. The next range
    // delivers what concerns users who were affected meanwhile.
    const gone = new Set([...findGone(loaded), ...affectedMeanwhile]);
    for (const userId of gone) members.delete(userId);
    for (const { entry, event } of loaded) {
      const { type, at, seq, userId } = entry;
      if (type === 'chat.added') {
        await this.deliverAdded(channel, members, entry);
      } else if (type === 'member.added' && userId !== undefined) {
        if (event) this.deliverToMembers(members, event, userId);
        if (gone.has(userId)) continue;
        members.set(userId, at);
        const added = await this.loader.loadAdded(chat, this.followersAmong([userId]), at, seq);
        for (const [user, chatAdded] of added) this.push(user, chatAdded);
      } else if (type === 'chat.removed' && event && userId !== undefined) {
        members.delete(userId);
        this.push(userId, event);
      } else if (event) {
        this.deliverToMembers(members, event);
      }
    }
  }

  private async deliverDeletion({ chat, members }: Channel, at: number): Promise<void> {
    if (!chat || !members) return;
    const [event] = await this.loader.load([{ chat, type: 'chat.removed', at, seq: 0, reason: 'deleted' }]);
    if (event) this.deliverToMembers(members, event);
  }

  /** Delivers `chat.added` to those who are members since the chat was created. */
  private async deliverAdded(
    { chat }: Channel,
    members: Map<number, number>,
    { at, seq }: Entry,
  ): Promise<void> {
    if (!chat) return;
    const first = [...members.keys()].filter((userId) => (members.get(userId) ?? at) < at);
    const added = await this.loader.loadAdded(chat, this.followersAmong(first), at, seq);
    for (const [userId, event] of added) this.push(userId, event);
  }

  private followersAmong(userIds: number[]): number[] {
    return userIds.filter((userId) => this.followers.has(userId));
  }

  private deliverTyping({ chat, members, typists }: Channel): void {
    for (const [userId, username] of typists) {
      if (!chat || !members) continue;
      const event = new LiveEvent({ type: 'typing', chat, data: { username } });
      this.deliverToMembers(members, event, userId);
    }
    typists.clear();
  }

  /** Delivers some markers. The others wait, because messages go first. */
  private async deliverReads(): Promise<void> {
    const some = [...this.reads].slice(0, MAX_READS_AT_ONCE);
    const events = await Promise.all(some.map(([, marked]) => this.loader.loadRead(marked)));
    for (const [n, [key, marked]] of some.entries()) {
      const event = events[n];
      if (event) this.push(marked.userId, event);
      if (this.reads.get(key) === marked) this.reads.delete(key);
    }
  }

  /** Delivers an event to those who were members at its position in the history, except to the user `except`. */
  private deliverToMembers(members: Map<number, number>, event: LiveEvent, except?: number): void {
    const at = event.progress?.at ?? Infinity;
    const deliveredBefore = this.delivered;
    const fewer = members.size < this.followers.size ? members : this.followers;
    for (const userId of fewer.keys()) {
      if (userId !== except && (members.get(userId) ?? Infinity) < at) this.push(userId, event);
    }
    if (event.progress && this.delivered > deliveredBefore) {
      this.unitOfWork.topics.publish('eventDelivered', now() - at);
    }
  }

  private push(userId: number, event: LiveEvent): void {
    for (const follower of this.followers.get(userId) ?? []) {
      if (!follower.push(event)) continue;
      this.delivered += 1;
      this.pushed.add(follower);
    }
  }
}

function newChannels(): LRUCache<number, Channel> {
  return new LRUCache({
    maxSize: MAX_MEMBERS,
    sizeCalculation: ({ members }) => CHANNEL_SIZE + (members?.size ?? 0),
  });
}

interface Loaded {
  entry: Entry;
  event: LiveEvent | undefined;
}

/** Returns the users whose membership has ended in a range and has not begun again. */
function findGone(loaded: Loaded[]): Set<number> {
  const gone = new Set<number>();
  for (const { entry } of loaded) {
    if (entry.type === 'chat.removed' && entry.userId !== undefined) gone.add(entry.userId);
    if (entry.type === 'member.added' && entry.userId !== undefined) gone.delete(entry.userId);
  }
  return gone;
}

/** Joins two successive ranges of one chat. */
function append(first: ChatRange, next: ChatRange): ChatRange {
  return {
    ...next,
    from: first.from,
    hasChanges: first.hasChanges || next.hasChanges,
    affected: first.affected && next.affected && [...first.affected, ...next.affected],
    isDeleted: first.isDeleted || next.isDeleted,
  };
}

/** Returns the entries of a range. If the range has more than 500, one `chat.limited` stands for its messages. */
function entriesOf(chat: ChatRef, { from, to }: ChatRange, changes: ChangeRow[]): Entry[] {
  const count = to.seq - from.seq + changes.length;
  const limited = { chat, type: 'chat.limited', at: to.at, seq: to.seq } as const;
  const messages: Entry[] = Array.from(
    { length: count > MAX_EVENTS_OF_A_CHANNEL ? 0 : to.seq - from.seq },
    (_, n) => ({
      chat,
      type: 'message.created',
      at: from.at,
      seq: from.seq + n + 1,
      index: from.seq + n,
    }),
  );
  const others = changes.flatMap((change) => {
    const entry = entryOf(chat, change, from.seq);
    // `chat.removed` is for the former member, `member.removed` for the others.
    return entry.type === 'member.removed' ? [{ ...entry, type: 'chat.removed' as const }, entry] : [entry];
  });
  if (count <= MAX_EVENTS_OF_A_CHANNEL) return [...messages, ...others];
  return [...others.filter(({ type }) => !type.startsWith('message.')), limited];
}
