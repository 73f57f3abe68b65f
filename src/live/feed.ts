import { Injectable, type OnModuleInit } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatRange, LogPosition } from '../changes/change-log.js';
import { Batcher } from '../database/batcher.js';
import { isUnavailable } from '../database/driver-errors.js';
import type { TopicPayloads } from '../database/topics.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { now, SECOND_US } from '../helpers/clock.js';
import type { Marked } from '../membership/membership.service.js';
import { Scheduler } from '../scheduling/scheduler.js';
import { InvalidToken } from '../tokens/token-errors.js';
import { TokensService } from '../tokens/tokens.service.js';
import { OVERLAP_US } from './cursor.js';
import { FanOut } from './fan-out.js';
import { HistoryRepository } from './history.repository.js';

const POLL_MS = 2_000;

/** So that streams of a revoked token end within a second. */
const POLL_REVOCATIONS_MS = 800;

/** Delay before a poll processes a commit that it has found. Most commits are published within this time. */
const GRACE_MS = 250;

/** How long the feed stays open without followers. Clients that poll come back within this time. */
const IDLE_US = 30 * SECOND_US;

/** More messages of a chat than the fan-out delivers: above its limit it delivers `chat.limited`. */
const MAX_MESSAGES = 501;

/**
 * Passes each change of a chat to the fan-out, once, in order and without gaps, whichever instance has made the change. Topics
 * publish most changes at once. Polls of the database find the rest: changes that no topic has published here.
 */
@Injectable()
export class Feed implements OnModuleInit {
  /** Up to where the history of each chat has been passed on, of chats that were active since the horizon. */
  private readonly positions = new Map<number, LogPosition>();
  /** The marks since the horizon that have been passed on, by user and chat. */
  private readonly marks = new Map<string, Marked>();
  /** Everything before this time has been passed on. In microseconds. */
  private horizon = 0;
  private opening?: Promise<void>;
  private isOpen = false;
  private followedAt = 0;
  /** Batches look-ups of chats that have changed in an unknown range. */
  private readonly lookUps = new Batcher(async (chatIds: number[]) => {
    await this.catchUp([...new Set(chatIds)]);
    return chatIds.map(() => undefined);
  });
  private revocationsReadUntil = 0;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly scheduler: Scheduler,
    private readonly history: HistoryRepository,
    private readonly tokens: TokensService,
    private readonly fanOut: FanOut,
  ) {}

  onModuleInit(): void {
    const { topics } = this.unitOfWork;
    topics.subscribe('chatsChanged', (ranges) => this.receive(ranges));
    topics.subscribe('chatsChangedElsewhere', (chatIds) => {
      if (this.opening) for (const chatId of chatIds) this.lookUp(chatId);
    });
    // The next poll repeats what fails here.
    topics.subscribe('tokensRevoked', (revoked) => void this.endRevoked(revoked).catch(() => {}));
    topics.subscribe('chatsRead', (marked) => this.receiveReads(marked));
    this.scheduler.add({
      name: 'poll for changed chats',
      intervalMs: POLL_MS,
      run: (signal) => this.poll(signal).catch(ignoreUnavailable),
    });
    this.scheduler.add({
      name: 'poll for revoked tokens',
      intervalMs: POLL_REVOCATIONS_MS,
      run: () => this.pollRevocations().catch(ignoreUnavailable),
    });
  }

  /** Starts to follow all chats. Await this before reading what a client has missed, so that no change falls in between. */
  open(): Promise<void> {
    this.opening ??= this.readPositions().catch((error: unknown) => {
      this.close();
      throw error;
    });
    return this.opening;
  }

  /** Starts at the present ends of the histories. */
  private async readPositions(): Promise<void> {
    this.followedAt = now();
    this.horizon = this.followedAt - OVERLAP_US;
    const chats = await this.history.findRecentChats(this.horizon);
    for (const { chatId, ...end } of await this.history.findEnds(idsOf(chats))) {
      const { at } = this.positions.get(chatId) ?? { at: 0 };
      if (at < end.at) this.positions.set(chatId, end);
    }
    for (const mark of await this.history.findRecentMarks(this.horizon)) this.marks.set(keyOf(mark), mark);
    this.isOpen = true;
  }

  private close(): void {
    this.opening = undefined;
    this.isOpen = false;
    this.positions.clear();
    this.marks.clear();
  }

  private receive(ranges: ChatRange[]): void {
    if (this.opening) this.fanOut.addRanges(ranges.flatMap((range) => this.advance(range)));
  }

  /** Moves a chat's position to the end of a range. Returns what follows the old position: one range, or none. */
  private advance(range: ChatRange): ChatRange[] {
    const { chatId, from, to } = range;
    const position = this.positions.get(chatId);
    if (!position && from.at > this.horizon && this.isOpen) {
      this.lookUp(chatId);
      return [];
    }
    if (position && to.at <= position.at) return [];
    this.positions.set(chatId, to);
    if (!position || position.at === from.at) return [range];
    const gap = position.at < from.at ? { hasChanges: true, affected: undefined } : {};
    return [{ ...range, from: position, ...gap }];
  }

  private receiveReads(marked: Marked[]): void {
    if (!this.opening) return;
    for (const mark of marked) this.marks.set(keyOf(mark), mark);
    this.fanOut.addReads(marked);
  }

  private lookUp(chatId: number): void {
    // The next poll repeats what fails here.
    this.lookUps.add(chatId).catch(() => {});
  }

  private async poll(signal: AbortSignal): Promise<void> {
    if (!this.isOpen) return;
    const startedAt = now();
    if (this.fanOut.hasFollowers) this.followedAt = startedAt;
    if (startedAt - this.followedAt > IDLE_US) return this.close();

    const since = this.horizon;
    const chats = await this.history.findRecentChats(since);
    const marks = await this.history.findRecentMarks(since);
    const isAhead = ({ chatId, at }: { chatId: number; at: number }) =>
      at > (this.positions.get(chatId)?.at ?? since);
    const isNew = (mark: Marked) => this.marks.get(keyOf(mark))?.readAt !== mark.readAt;
    if (chats.some(isAhead) || marks.some(isNew)) await sleep(GRACE_MS, undefined, { signal });
    await this.catchUp(idsOf(chats.filter(isAhead)));
    this.receiveReads(marks.filter(isNew));

    this.horizon = Math.max(since, startedAt - OVERLAP_US);
    for (const [chatId, { at }] of this.positions) if (at <= this.horizon) this.positions.delete(chatId);
    for (const [key, { readAt }] of this.marks) if (readAt <= this.horizon) this.marks.delete(key);
  }

  /** Passes on what follows the positions of the chats. */
  private async catchUp(chatIds: number[]): Promise<void> {
    if (chatIds.length === 0) return;
    const since = this.horizon;
    await this.history.syncWithCluster();
    const ends = await this.history.findEnds(chatIds);
    // `poll` may delete old positions while this waits for the database.
    const positionsBefore = new Map(ends.map(({ chatId }) => [chatId, this.positions.get(chatId)]));
    const unknown = ends.filter(({ chatId }) => !positionsBefore.get(chatId));
    const firsts = await this.history.findMessageKeys(
      unknown.map(({ chatId, at, seq }) => ({
        chatId,
        from: { at: since, seq: Math.max(0, seq - MAX_MESSAGES) },
        to: { at, seq },
      })),
      1,
    );
    const firstSeqs = new Map(firsts.map(({ chatId, seq }) => [chatId, seq]));
    const ranges = ends.flatMap(({ chatId, at, seq, lastChangeAt, isDeleted }): ChatRange[] => {
      const position = this.positions.get(chatId) ?? positionsBefore.get(chatId);
      const from = position ?? { at: since, seq: firstSeqs.get(chatId) ?? seq };
      if (at <= from.at) return [];
      const to = { at, seq: Math.max(seq, from.seq) };
      this.positions.set(chatId, to);
      const hasChanges = lastChangeAt > from.at;
      return [{ chatId, from, to, hasChanges, affected: hasChanges ? undefined : [], isDeleted }];
    });
    this.fanOut.addRanges(ranges);
  }

  private async pollRevocations(): Promise<void> {
    const startedAt = now();
    if (this.fanOut.hasFollowers) {
      const revocations = await this.tokens.findRevocations(this.revocationsReadUntil);
      for (const { userId, tokenId } of revocations) {
        await this.endRevoked({ userId, tokenId: tokenId || undefined });
      }
    }
    this.revocationsReadUntil = startedAt - OVERLAP_US;
  }

  /**
   * Ends the streams and polls of a revoked token. If all tokens of a user were revoked, looks up the token of each of the user's
   * streams, because the user may have logged in since.
   */
  private async endRevoked({ userId, tokenId }: TopicPayloads['tokensRevoked']): Promise<void> {
    if (tokenId !== undefined) return this.fanOut.endToken(userId, tokenId);
    for (const { caller } of this.fanOut.followersOf(userId)) {
      try {
        await this.tokens.requireValid(caller);
      } catch (error) {
        if (!(error instanceof InvalidToken)) throw error;
        this.fanOut.endToken(userId, caller.tokenId);
      }
    }
  }
}

const keyOf = ({ chatId, userId }: Marked) => `${userId} ${chatId}`;

const idsOf = (chats: { chatId: number }[]) => [...new Set(chats.map(({ chatId }) => chatId))];

/** Ignores outages, which requests report already. */
function ignoreUnavailable(error: unknown): void {
  if (!isUnavailable(error)) throw error;
}
