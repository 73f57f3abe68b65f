import { Injectable, type OnModuleInit } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatStretch, LogPosition } from '../changes/change-log.js';
import { Batcher } from '../database/batcher.js';
import { isUnavailable } from '../database/driver-errors.js';
import type { News } from '../database/topics.js';
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

/** A poll that finds a commit waits for so long, because the topic tells most commits by then. */
const GRACE_MS = 250;

/** Without followers, polls go on for so long: a client that polls comes back. */
const IDLE_US = 30 * SECOND_US;

/** Messages of a chat that are told; of more, the fan-out tells `chat.limited`. */
const MAX_MESSAGES = 501;

/**
 * Tells the fan-out what changes in chats, through any instance, once and without gaps. Topics tell of most changes at once.
 * Polls of the database find the others: changes through other instances of which Redis has told nothing.
 */
@Injectable()
export class Feed implements OnModuleInit {
  /** How far the history of each chat that was active since the horizon has been heard. */
  private readonly places = new Map<number, LogPosition>();
  /** The marks since the horizon that have been heard of, by user and chat. */
  private readonly marks = new Map<string, Marked>();
  /** Everything until this time has been heard. In microseconds. */
  private horizon = 0;
  private opening?: Promise<void>;
  private isOpen = false;
  private followedAt = 0;
  /** Chats with news of which the end is not known. */
  private readonly lookUps = new Batcher(async (chatIds: number[]) => {
    await this.catchUp([...new Set(chatIds)]);
    return chatIds.map(() => undefined);
  });
  private revocationsHeardUntil = 0;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly scheduler: Scheduler,
    private readonly history: HistoryRepository,
    private readonly tokens: TokensService,
    private readonly fanOut: FanOut,
  ) {}

  onModuleInit(): void {
    const { topics } = this.unitOfWork;
    topics.listen('chatsChanged', (stretches) => this.hear(stretches));
    topics.listen('chatsChangedElsewhere', (chatIds) => {
      if (this.opening) for (const chatId of chatIds) this.lookUp(chatId);
    });
    // The next poll finds what fails here.
    topics.listen('tokensRevoked', (revoked) => void this.endRevoked(revoked).catch(() => {}));
    topics.listen('chatsRead', (marked) => this.hearReads(marked));
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

  /** Starts to follow all chats. Await it before reading what a client has missed, so that nothing falls in between. */
  open(): Promise<void> {
    this.opening ??= this.readPlaces().catch((error: unknown) => {
      this.close();
      throw error;
    });
    return this.opening;
  }

  /** Marks all that has happened until now as heard. */
  private async readPlaces(): Promise<void> {
    this.followedAt = now();
    this.horizon = this.followedAt - OVERLAP_US;
    const chats = await this.history.findRecentChats(this.horizon);
    for (const { chatId, ...end } of await this.history.findEnds(idsOf(chats))) {
      const { at } = this.places.get(chatId) ?? { at: 0 };
      if (at < end.at) this.places.set(chatId, end);
    }
    for (const mark of await this.history.findRecentMarks(this.horizon)) this.marks.set(keyOf(mark), mark);
    this.isOpen = true;
  }

  private close(): void {
    this.opening = undefined;
    this.isOpen = false;
    this.places.clear();
    this.marks.clear();
  }

  private hear(stretches: ChatStretch[]): void {
    if (this.opening) this.fanOut.addStretches(stretches.flatMap((stretch) => this.join(stretch)));
  }

  /** Returns the part of a chat's history until the end of the stretch that has not been heard yet: none or one. */
  private join(stretch: ChatStretch): ChatStretch[] {
    const { chatId, from, to } = stretch;
    const place = this.places.get(chatId);
    if (!place && from.at > this.horizon && this.isOpen) {
      this.lookUp(chatId);
      return [];
    }
    if (place && to.at <= place.at) return [];
    this.places.set(chatId, to);
    if (!place || place.at === from.at) return [stretch];
    const gap = place.at < from.at ? { hasChanges: true, affected: undefined } : {};
    return [{ ...stretch, from: place, ...gap }];
  }

  private hearReads(marked: Marked[]): void {
    if (!this.opening) return;
    for (const mark of marked) this.marks.set(keyOf(mark), mark);
    this.fanOut.addReads(marked);
  }

  private lookUp(chatId: number): void {
    // The next poll finds what fails here.
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
      at > (this.places.get(chatId)?.at ?? since);
    const isNew = (mark: Marked) => this.marks.get(keyOf(mark))?.readAt !== mark.readAt;
    if (chats.some(isAhead) || marks.some(isNew)) await sleep(GRACE_MS, undefined, { signal });
    await this.catchUp(idsOf(chats.filter(isAhead)));
    this.hearReads(marks.filter(isNew));

    this.horizon = Math.max(since, startedAt - OVERLAP_US);
    for (const [chatId, { at }] of this.places) if (at <= this.horizon) this.places.delete(chatId);
    for (const [key, { readAt }] of this.marks) if (readAt <= this.horizon) this.marks.delete(key);
  }

  /** Tells what has not been heard of the chats. */
  private async catchUp(chatIds: number[]): Promise<void> {
    if (chatIds.length === 0) return;
    const since = this.horizon;
    await this.history.syncWithCluster();
    const ends = await this.history.findEnds(chatIds);
    // A poll forgets old places, also while this waits for the database.
    const placesBefore = new Map(ends.map(({ chatId }) => [chatId, this.places.get(chatId)]));
    const unknown = ends.filter(({ chatId }) => !placesBefore.get(chatId));
    const firsts = await this.history.findMessageKeys(
      unknown.map(({ chatId, at, seq }) => ({
        chatId,
        from: { at: since, seq: Math.max(0, seq - MAX_MESSAGES) },
        to: { at, seq },
      })),
      1,
    );
    const firstSeqs = new Map(firsts.map(({ chatId, seq }) => [chatId, seq]));
    const stretches = ends.flatMap(({ chatId, at, seq, lastChangeAt, isDeleted }): ChatStretch[] => {
      const place = this.places.get(chatId) ?? placesBefore.get(chatId);
      const from = place ?? { at: since, seq: firstSeqs.get(chatId) ?? seq };
      if (at <= from.at) return [];
      const to = { at, seq: Math.max(seq, from.seq) };
      this.places.set(chatId, to);
      const hasChanges = lastChangeAt > from.at;
      return [{ chatId, from, to, hasChanges, affected: hasChanges ? undefined : [], isDeleted }];
    });
    this.fanOut.addStretches(stretches);
  }

  private async pollRevocations(): Promise<void> {
    const startedAt = now();
    if (this.fanOut.hasFollowers) {
      const revocations = await this.tokens.findRevocations(this.revocationsHeardUntil);
      for (const { userId, tokenId } of revocations) {
        await this.endRevoked({ userId, tokenId: tokenId || undefined });
      }
    }
    this.revocationsHeardUntil = startedAt - OVERLAP_US;
  }

  /**
   * Ends the streams and polls of a revoked token. If all tokens of a user were revoked, looks up the token of each of the user's
   * streams, because the user may have logged in since.
   */
  private async endRevoked({ userId, tokenId }: News['tokensRevoked']): Promise<void> {
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

/** Whoever waits for the database reports that it is away. */
function ignoreUnavailable(error: unknown): void {
  if (!isUnavailable(error)) throw error;
}
