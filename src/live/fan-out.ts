import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { ChatStretch } from '../changes/change-log.js';
import { ChatsRepository } from '../chats/chats.repository.js';
import { isUnavailable } from '../database/driver-errors.js';
import type { News } from '../database/topics.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { now } from '../helpers/clock.js';
import type { Marked } from '../membership/membership.service.js';
import type { Caller } from '../tokens/caller.js';
import { type Entry, entryOf, EventLoader } from './event-loader.js';
import { HistoryRepository, type ChangeRow, type Range } from './history.repository.js';
import { type ChatRef, LiveEvent } from './live-event.js';

declare module '../database/topics.js' {
  interface News {
    /** Told when an event is handed to the followers among the members: its age in microseconds. */
    eventTold: number;
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

/** What is to be told of one chat. */
interface Channel {
  chatId: number;
  chat?: ChatRef;
  /** The start of each membership, by user. */
  members?: Map<number, number>;
  news?: ChatStretch;
  /** Users who type. */
  typists: Map<number, string>;
}

/** Of all channels, some 50 bytes each. A channel takes as much as 20 members. */
const MAX_MEMBERS = 1_000_000;
const CHANNEL_SIZE = 20;

const MAX_EVENTS_OF_A_CHANNEL = 500;
const MAX_CHANGES_PER_QUERY = 500;
const MAX_READS_AT_ONCE = 8;
const RETRY_MS = 500;

/**
 * Tells followers what happens in their chats. After a commit it reads what the commit has added to the history, and hands
 * the events to all followers among the members at that place of the history. No writer waits for this.
 */
@Injectable()
export class FanOut implements OnModuleInit {
  private readonly logger = new Logger('FanOut');
  private readonly followers = new Map<number, Set<Follower>>();
  private channels = newChannels();
  private woken = new Set<Channel>();
  /** Markers to tell, by user and chat. */
  private readonly reads = new Map<string, Marked>();
  /** Followers that have events to flush. */
  private readonly pushed = new Set<Follower>();
  private isWorking = false;
  private isLate = false;
  /** Events handed to followers, since the start. */
  delivered = 0;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly history: HistoryRepository,
    private readonly chats: ChatsRepository,
    private readonly loader: EventLoader,
  ) {}

  onModuleInit(): void {
    const { topics } = this.unitOfWork;
    topics.listen('typed', (typed) => this.addTyping(typed));
    // Clients resume, and read the log.
    topics.listen('databaseMoved', () => this.endAll('restart'));
  }

  get hasFollowers(): boolean {
    return this.followers.size > 0;
  }

  /** From now on the follower is told what happens. */
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
    // Without followers nothing is told, so what is known of the members becomes stale.
    if (this.followers.size === 0) this.forgetNews();
  }

  private forgetNews(): void {
    this.channels = newChannels();
    this.woken.clear();
    this.reads.clear();
  }

  private addTyping({ chatId, userId, username }: News['typed']): void {
    if (this.followers.size === 0) return;
    const channel = this.channelOf(chatId);
    channel.typists.set(userId, username);
    this.wake(channel);
  }

  /** The stretches of a chat come in their order and without gaps. */
  addStretches(stretches: ChatStretch[]): void {
    if (this.followers.size === 0) return;
    for (const stretch of stretches) {
      const channel = this.channelOf(stretch.chatId);
      channel.news = channel.news ? append(channel.news, stretch) : stretch;
      this.wake(channel);
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

  private wake(channel: Channel): void {
    this.woken.add(channel);
    void this.work();
  }

  /** Tells one batch of news after the other, so that events keep their order. */
  private async work(): Promise<void> {
    if (this.isWorking) return;
    this.isWorking = true;
    while (this.followers.size > 0 && (this.woken.size > 0 || this.reads.size > 0)) {
      const channels = this.woken;
      const known = this.channels;
      this.woken = new Set();
      try {
        await this.tell([...channels]);
        this.isLate = false;
      } catch (error) {
        if (!this.isLate) this.logger.warn(`events are late: ${(error as Error).message}`);
        this.isLate = true;
        if (isUnavailable(error)) {
          // Unless they were forgotten meanwhile, and their members with them.
          if (this.channels === known) for (const channel of channels) this.woken.add(channel);
        } else {
          // Clients resume, and read the events through a replay.
          this.endAll('restart');
          this.forgetNews();
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
    this.isWorking = false;
  }

  private async tell(channels: Channel[]): Promise<void> {
    await this.history.syncWithCluster();
    await this.loadChannels(channels);
    const followed = channels.filter((channel) => {
      const isFollowed = channel.chat !== undefined && this.isFollowed(channel);
      if (!isFollowed) this.skip(channel);
      return isFollowed;
    });
    await this.tellNews(followed);
    for (const channel of channels) this.tellTyping(channel);
    this.flush();
    await this.tellReads();
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
      if (this.channels.peek(channel.chatId) === channel) this.channels.set(channel.chatId, channel);
    }
  }

  private isFollowed({ members = new Map(), news }: Channel): boolean {
    if (news && (!news.affected || news.affected.some((userId) => this.followers.has(userId)))) return true;
    const [fewer, more] =
      members.size < this.followers.size ? [members, this.followers] : [this.followers, members];
    for (const userId of fewer.keys()) if (more.has(userId)) return true;
    return false;
  }

  /** Forgets news that nobody here follows. */
  private skip(channel: Channel): void {
    // A change may concern the members, who are read again when they are needed.
    const { affected = [], isDeleted = false } = channel.news ?? {};
    if (affected.length > 0 || isDeleted) this.channels.delete(channel.chatId);
    channel.news = undefined;
  }

  private async tellNews(channels: Channel[]): Promise<void> {
    const all = channels.flatMap(({ chat, news }, n) =>
      chat && news ? [{ channel: channels[n], chat, news }] : [],
    );
    const changes = await this.findAllChanges(all.flatMap(({ news }) => (news.hasChanges ? [news] : [])));
    const entries = all.map(({ chat, news }) =>
      entriesOf(
        chat,
        news,
        changes.filter(({ chatId }) => chatId === news.chatId),
      ),
    );
    const events = await this.loader.load(entries.flat());
    let start = 0;
    for (const [n, { channel, news }] of all.entries()) {
      const told = entries[n].map((entry, place) => ({ entry, event: events[start + place] }));
      start += entries[n].length;
      // The time of a message is known by its row alone.
      const timeOf = ({ entry, event }: Told) => event?.progress?.at ?? entry.at;
      await this.tellChannel(
        channel,
        told.toSorted((a, b) => timeOf(a) - timeOf(b)),
      );
      if (news.isDeleted) {
        await this.tellDeletion(channel, news.to.at);
        this.channels.delete(channel.chatId);
      }
      // While this was under way, the news may have become longer.
      const present = channel.news;
      channel.news = present && present !== news ? { ...present, from: news.to } : undefined;
    }
  }

  /** Who is a member depends on all changes, so none may be missing. */
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

  private async tellChannel(channel: Channel, told: Told[]): Promise<void> {
    const { chat, members = new Map<number, number>() } = channel;
    if (!chat) return;
    const gone = goneIn(told);
    // A user who is gone gets `chat.removed` alone, because messages show their present text.
    for (const userId of gone) members.delete(userId);
    for (const { entry, event } of told) {
      const { type, at, seq, userId } = entry;
      if (type === 'chat.added') {
        await this.tellAdded(channel, members, entry);
      } else if (type === 'member.added' && userId !== undefined) {
        if (event) this.tellMembers(members, event, userId);
        if (gone.has(userId)) continue;
        members.set(userId, at);
        const added = await this.loader.loadAdded(chat, this.followersAmong([userId]), at, seq);
        for (const [user, chatAdded] of added) this.push(user, chatAdded);
      } else if (type === 'chat.removed' && event && userId !== undefined) {
        members.delete(userId);
        this.push(userId, event);
      } else if (event) {
        this.tellMembers(members, event);
      }
    }
  }

  private async tellDeletion({ chat, members }: Channel, at: number): Promise<void> {
    if (!chat || !members) return;
    const [event] = await this.loader.load([{ chat, type: 'chat.removed', at, seq: 0, reason: 'deleted' }]);
    if (event) this.tellMembers(members, event);
  }

  /** Tells all who are members since the chat was created. */
  private async tellAdded(
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

  private tellTyping({ chat, members, typists }: Channel): void {
    for (const [userId, username] of typists) {
      if (!chat || !members) continue;
      const event = new LiveEvent({ type: 'typing', chat, data: { username } });
      this.tellMembers(members, event, userId);
    }
    typists.clear();
  }

  /** Tells of some markers. The others wait, because messages go first. */
  private async tellReads(): Promise<void> {
    const some = [...this.reads].slice(0, MAX_READS_AT_ONCE);
    const events = await Promise.all(some.map(([, marked]) => this.loader.loadRead(marked)));
    for (const [n, [key, marked]] of some.entries()) {
      const event = events[n];
      if (event) this.push(marked.userId, event);
      if (this.reads.get(key) === marked) this.reads.delete(key);
    }
  }

  /** Hands an event to the members at its place in the history, but not to the user `except`. */
  private tellMembers(members: Map<number, number>, event: LiveEvent, except?: number): void {
    const at = event.progress?.at ?? Infinity;
    const deliveredBefore = this.delivered;
    const fewer = members.size < this.followers.size ? members : this.followers;
    for (const userId of fewer.keys()) {
      if (userId !== except && (members.get(userId) ?? Infinity) < at) this.push(userId, event);
    }
    if (event.progress && this.delivered > deliveredBefore) {
      this.unitOfWork.topics.tell('eventTold', now() - at);
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

interface Told {
  entry: Entry;
  event: LiveEvent | undefined;
}

/** Returns the users whose membership ended in a stretch of history, and did not begin again. */
function goneIn(told: Told[]): Set<number> {
  const gone = new Set<number>();
  for (const { entry } of told) {
    if (entry.type === 'chat.removed' && entry.userId !== undefined) gone.add(entry.userId);
    if (entry.type === 'member.added' && entry.userId !== undefined) gone.delete(entry.userId);
  }
  return gone;
}

/** Joins a stretch and the next one of the same chat. */
function append(first: ChatStretch, next: ChatStretch): ChatStretch {
  return {
    ...next,
    from: first.from,
    hasChanges: first.hasChanges || next.hasChanges,
    affected: first.affected && next.affected && [...first.affected, ...next.affected],
    isDeleted: first.isDeleted || next.isDeleted,
  };
}

/** Returns the entries of a stretch of history; for too many, one that has clients read the chat anew. */
function entriesOf(chat: ChatRef, { from, to }: ChatStretch, changes: ChangeRow[]): Entry[] {
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
    // Who leaves is told so, and the others are told of the user.
    return entry.type === 'member.removed' ? [{ ...entry, type: 'chat.removed' as const }, entry] : [entry];
  });
  if (count <= MAX_EVENTS_OF_A_CHANNEL) return [...messages, ...others];
  return [...others.filter(({ type }) => !type.startsWith('message.')), limited];
}
