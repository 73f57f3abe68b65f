import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import pLimit from 'p-limit';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from '../tokens/caller.js';
import { tokenRevoked } from '../tokens/token-errors.js';
import { TokensService } from '../tokens/tokens.service.js';
import { EventLoader } from './event-loader.js';
import { FanOut } from './fan-out.js';
import { Feed } from './feed.js';
import { serverRestarts, tooManyStreams } from './live-errors.js';
import { type Replay, Replays } from './replay.js';
import { type Outlet, Stream } from './stream.js';
import { chunks } from '../database/unit-of-work.js';

const MAX_STREAMS_OF_A_USER = 20;

const BEAT_SECONDS = 25;

/** A client that takes nothing for so long is cut off. */
const MAX_IDLE_MS = 30_000;

/** Events that a replay loads at once. Bounds the memory, and how long other requests wait for the database. */
const REPLAY_CHUNK = 250;

/** Replays that read at the same time. */
const MAX_READING = 2;
const PAUSE_FACTOR = 3;
const MAX_PAUSE_MS = 50;

/** A shutdown ends the streams over this period, so that their clients do not all come back at once. */
const CLOSING_MS = 1_000;
const CLOSING_STEPS = 20;

/** Opens streams, keeps them alive and ends them. */
@Injectable()
export class Streams implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger('Streams');
  private readonly streams = new Set<Stream>();
  private readonly turns = pLimit(MAX_READING);
  /** Events replayed since the start. */
  replayed = 0;
  /** Streams that were cut off because their clients read too slowly, since the start. */
  slowClients = 0;
  private timer?: NodeJS.Timeout;
  private second = 0;
  private isClosing = false;

  constructor(
    private readonly fanOut: FanOut,
    private readonly feed: Feed,
    private readonly tokens: TokensService,
    private readonly replays: Replays,
    private readonly loader: EventLoader,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => this.tick(), 1_000).unref();
  }

  countByTransport(): Record<Outlet['transport'], number> {
    const counts = { sse: 0, websocket: 0 };
    for (const { transport } of this.streams) counts[transport] += 1;
    return counts;
  }

  /** Ends all streams; clients resume on another instance, or when the server is back. */
  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    this.isClosing = true;
    const all = [...this.streams];
    for (const some of chunks(all, Math.max(1, Math.ceil(all.length / CLOSING_STEPS)))) {
      for (const stream of some) stream.end('restart');
      await sleep(CLOSING_MS / CLOSING_STEPS);
    }
  }

  /**
   * Opens a stream that resumes at the event or cursor `since`. The stream collects live events before the replay is read, so that
   * no event falls in between. It writes the replay first, then the collected events.
   * @throws ParleyError (rate_limited) at the user's 21st stream, (token_invalid), (unavailable) while the server stops.
   */
  async open(caller: Caller, since: string | undefined, outlet: Outlet): Promise<Stream> {
    if (this.isClosing) throw serverRestarts();
    const others = this.fanOut.followersOf(caller.userId).filter((follower) => follower instanceof Stream);
    if (others.length >= MAX_STREAMS_OF_A_USER) throw tooManyStreams();
    const stream = new Stream(caller, outlet, (ended) => this.forget(ended));
    this.streams.add(stream);
    this.fanOut.add(stream);
    outlet.onClose(() => stream.close());
    try {
      const [replay] = await Promise.all([
        this.feed.open().then(() => this.read(stream, () => this.replays.find(caller.userId, since))),
        // No topic ends the stream for a token that was revoked before the stream was added.
        this.tokens.requireValid(caller),
      ]);
      if (stream.reason === 'token_invalid') throw tokenRevoked();
      if (stream.hasEnded || !replay) throw serverRestarts();
      outlet.start(replay.startId, replay.isRecovered);
      // Spreads the beats of streams that were opened together.
      stream.beatSecond = (caller.userId + this.streams.size) % BEAT_SECONDS;
      void this.run(stream, replay);
      return stream;
    } catch (error) {
      stream.close();
      throw error;
    }
  }

  private async run(stream: Stream, { entries, ends }: Replay): Promise<void> {
    const { userId } = stream.caller;
    stream.skipTo(ends);
    try {
      for (const some of chunks(entries, REPLAY_CHUNK)) {
        const events = await this.read(stream, () => this.loader.load(some, userId));
        if (!events) return;
        this.replayed += await stream.replay(events);
      }
      stream.goLive();
    } catch (error) {
      this.logger.warn(`a replay is cut off: ${(error as Error).message}`);
      // The client comes back and resumes.
      stream.end('restart');
    }
  }

  /**
   * Reads in turns, and pauses after each turn for three times as long as it took: if many clients come back at once, most
   * of the time is left to other requests. Returns undefined when the stream ends first.
   */
  private read<Result>(stream: Stream, read: () => Promise<Result>): Promise<Result | undefined> {
    return new Promise((resolve, reject) => {
      void this.turns(async () => {
        if (stream.hasEnded) return resolve(undefined);
        const startedAt = performance.now();
        await read().then(resolve, reject);
        await sleep(Math.min(MAX_PAUSE_MS, PAUSE_FACTOR * (performance.now() - startedAt)));
      });
    });
  }

  private tick(): void {
    this.second = (this.second + 1) % BEAT_SECONDS;
    const seconds = Date.now() / 1000;
    for (const stream of this.streams) {
      if (stream.caller.expiresAt <= seconds) stream.end('token_invalid');
      stream.checkProgress(MAX_IDLE_MS);
      if (stream.beatSecond === this.second && !stream.hasEnded) stream.beat();
    }
  }

  private forget(stream: Stream): void {
    if (stream.reason === 'too_slow') this.slowClients += 1;
    this.streams.delete(stream);
    this.fanOut.remove(stream);
  }
}
