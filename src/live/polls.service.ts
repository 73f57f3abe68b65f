import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { chunks } from '../database/unit-of-work.js';
import type { Caller } from '../tokens/caller.js';
import { tokenRevoked } from '../tokens/token-errors.js';
import { TokensService } from '../tokens/tokens.service.js';
import { advance, type ChatProgress, cursorOf, cutCursor, encodeCursor } from './cursor.js';
import { type Entry, EventLoader } from './event-loader.js';
import { type EndReason, FanOut, type Follower } from './fan-out.js';
import { Feed } from './feed.js';
import type { LiveEvent } from './live-event.js';
import { type Replay, Replays } from './replay.js';

const MAX_EVENTS = 500;
const MAX_BYTES = 1_048_576;
const CHUNK_SIZE = 100;

export interface Polled {
  events: LiveEvent[];
  id: string;
  isRecovered: boolean;
}

/** Events for one answer: no more than it may hold. */
class Answer {
  readonly events: LiveEvent[] = [];
  isCut = false;
  private bytes = 0;

  add(event: LiveEvent): boolean {
    this.bytes += Buffer.byteLength(event.text);
    this.isCut ||= this.events.length === MAX_EVENTS || (this.bytes > MAX_BYTES && this.events.length > 0);
    if (!this.isCut) this.events.push(event);
    return !this.isCut;
  }
}

/** Waits for the first events. */
class Poll implements Follower {
  answer = new Answer();
  ended?: EndReason;
  /** The ends of the histories that the client knows, by chat. */
  private ends?: ReadonlyMap<number, ChatProgress>;
  private wake = () => {};

  constructor(readonly caller: Caller) {}

  /** Drops the events that the replay covers. */
  skipTo(ends: ReadonlyMap<number, ChatProgress>): void {
    const { events, isCut } = this.answer;
    this.ends = ends;
    this.answer = new Answer();
    for (const event of events) this.push(event);
    this.answer.isCut = isCut;
  }

  push(event: LiveEvent): boolean {
    return !event.isBefore(this.ends) && this.answer.add(event);
  }

  flush(): void {
    if (this.answer.events.length > 0) this.wake();
  }

  end(reason: EndReason): void {
    this.ended ??= reason;
    this.wake();
  }

  /** Resolves when there is an event, at the end, or after `ms`. */
  async wait(ms: number): Promise<void> {
    if (ms === 0 || this.answer.events.length > 0 || this.ended) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Answers clients that ask again and again what has happened. */
@Injectable()
export class Polls implements OnModuleDestroy {
  private readonly polls = new Set<Poll>();
  private isClosing = false;
  /** Events replayed since the start. */
  replayed = 0;

  constructor(
    private readonly fanOut: FanOut,
    private readonly feed: Feed,
    private readonly tokens: TokensService,
    private readonly replays: Replays,
    private readonly loader: EventLoader,
  ) {}

  /** Polls that are under way. */
  get count(): number {
    return this.polls.size;
  }

  onModuleDestroy(): void {
    this.isClosing = true;
    for (const poll of this.polls) poll.end('restart');
  }

  /**
   * Returns what has happened since an id, or the first events of the next `waitMs`. The signal aborts when the client disconnects.
   * @throws ParleyError (token_invalid) when the token is revoked meanwhile.
   */
  async poll(
    caller: Caller,
    since: string | undefined,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<Polled> {
    const poll = new Poll(caller);
    const stop = () => poll.end('restart');
    signal.addEventListener('abort', stop);
    this.polls.add(poll);
    this.fanOut.add(poll);
    try {
      const [replay] = await Promise.all([
        this.feed.open().then(() => this.replays.find(caller.userId, since)),
        this.tokens.requireValid(caller),
      ]);
      const { isRecovered, entries, startId, epoch, at, ends } = replay;
      if (!isRecovered) return { events: [], id: startId, isRecovered };
      poll.skipTo(ends);
      const replayed = await this.load(entries, caller.userId);
      this.replayed += replayed.events.length;
      if (replayed.isCut) return { events: replayed.events, id: cutId(replay, replayed), isRecovered };
      if (replayed.events.length > 0) {
        return { events: replayed.events, id: encodeCursor(cursorOf(epoch, at, ends.values())), isRecovered };
      }
      await poll.wait(this.isClosing ? 0 : Math.min(waitMs, msUntilExpiry(caller)));
      if (poll.ended === 'token_invalid' || msUntilExpiry(caller) === 0) throw tokenRevoked();
      const { events } = poll.answer;
      for (const { progress } of events) if (progress) advance(ends, progress);
      return { events, id: encodeCursor(cursorOf(epoch, at, ends.values())), isRecovered };
    } finally {
      signal.removeEventListener('abort', stop);
      this.fanOut.remove(poll);
      this.polls.delete(poll);
    }
  }

  /** Returns the first events, as many as an answer may hold. */
  private async load(entries: Entry[], userId: number): Promise<Answer> {
    const answer = new Answer();
    for (const some of chunks(entries, CHUNK_SIZE)) {
      for (const event of await this.loader.load(some, userId)) if (event) answer.add(event);
      if (answer.isCut) break;
    }
    return answer;
  }
}

/** Returns the id after the first events of a replay. */
function cutId({ epoch, known, at }: Replay, { events }: Answer): string {
  const positions = new Map(known.map((position) => [position.chatId, position]));
  for (const { progress } of events) if (progress) advance(positions, progress);
  const sentUntil = Math.max(
    ...events.map(({ progress }) => Math.max(progress?.at ?? 0, progress?.readAt ?? 0)),
  );
  return encodeCursor(cutCursor(epoch, at, sentUntil, positions.values()));
}

function msUntilExpiry({ expiresAt }: Caller): number {
  return Math.max(0, expiresAt * 1000 - Date.now());
}
