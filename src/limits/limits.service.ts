import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Audit } from '../audit/audit.js';
import { Settings } from '../config/settings.js';
import { DATABASE_DEADLINE_MS } from '../database/driver.js';
import { tooMuchUnderWay } from '../errors/errors.js';
import { now, SECOND_US } from '../helpers/clock.js';
import type { Origin } from '../http/origin.js';
import { type Count, type LimitKey, LimitCountersRepository } from './limit-counters.repository.js';
import { limitExceeded } from './limit-errors.js';
import { LIMITS, LOCAL_LIMITS, type LocalLimit, SHARED_LIMITS, type SharedLimit } from './limits.js';

interface Bucket {
  /** What may still be taken. */
  left: number;
  /** When `left` was computed, in microseconds. */
  at: number;
}

/** Checks of one secret in this process. */
interface Guesses {
  count: Count;
  underWay: number;
  users: number;
  waiting: (() => void)[];
}

const MAX_BUCKETS = 50_000;

/** Refuses what exceeds a limit with `rate_limited`. `RATE_LIMITS=off` lifts all limits. */
@Injectable()
export class Limits {
  private readonly buckets = new LRUCache<string, Bucket>({ max: MAX_BUCKETS });
  private readonly guesses = new Map<string, Guesses>();
  /** Since the start, by limit. */
  readonly refusals = Object.fromEntries(Object.keys(LIMITS).map((name) => [name, 0]));

  constructor(
    private readonly settings: Settings,
    private readonly counters: LimitCountersRepository,
    private readonly audit: Audit,
  ) {}

  /** Counts a call in memory. @throws ParleyError (rate_limited). */
  take(limit: LocalLimit, subject: string, origin: Origin): void {
    if (!this.settings.rateLimits) return;
    const { max, seconds } = LOCAL_LIMITS[limit];
    const perMicrosecond = max / (seconds * SECOND_US);
    const key = `${limit} ${subject}`;
    const at = now();
    const bucket = this.buckets.get(key) ?? { left: max, at };
    bucket.left = Math.min(max, bucket.left + Math.max(0, at - bucket.at) * perMicrosecond);
    bucket.at = at;
    this.buckets.set(key, bucket);
    const secondsUntil = (left: number) => Math.ceil((left - bucket.left) / perMicrosecond / SECOND_US);
    if (bucket.left < 1) {
      this.refuse(limit, origin, secondsUntil(1), secondsUntil(max));
    }
    bucket.left -= 1;
    this.announce(limit, origin, Math.floor(bucket.left), secondsUntil(max));
  }

  /** Counts a call across instances. @throws ParleyError (rate_limited). */
  async count(limit: SharedLimit, subject: string, origin: Origin): Promise<void> {
    if (!this.settings.rateLimits) return;
    const { isAdded, ...count } = await this.counters.hit({ limit, subject });
    if (!isAdded) this.refuse(limit, origin, secondsLeft(limit, count));
    this.announce(limit, origin, SHARED_LIMITS[limit].max - count.hits, secondsLeft(limit, count));
  }

  /**
   * Checks a secret that someone may guess. `check` returns undefined for a wrong secret, which counts for all keys. As many
   * checks run at once as hits are left; the others wait. So right secrets that are sent together all succeed.
   * @throws ParleyError (rate_limited) without a check when no hit is left, for the right secret too.
   */
  async guess<T>(
    keys: LimitKey[],
    origin: Origin,
    check: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    if (!this.settings.rateLimits) return check();
    const guesses = await Promise.all(keys.map((key) => this.open(key)));
    try {
      await this.takeTurn(keys, guesses, origin);
      try {
        const result = await check();
        if (result === undefined) await this.countWrong(keys, guesses, origin);
        return result;
      } finally {
        for (const guess of guesses) guess.underWay -= 1;
      }
    } finally {
      for (const [index, guess] of guesses.entries()) this.leave(keys[index], guess);
    }
  }

  /** Forgets the wrong guesses of a secret. */
  async forgive(key: LimitKey): Promise<void> {
    if (!this.settings.rateLimits || (await this.counters.find(key)).hits === 0) return;
    await this.counters.clear(key);
  }

  private async open(key: LimitKey): Promise<Guesses> {
    const id = `${key.limit} ${key.subject}`;
    const count = this.guesses.has(id) ? undefined : await this.counters.find(key);
    let guess = this.guesses.get(id);
    if (!guess) {
      guess = { count: count ?? { hits: 0, startedAt: now() }, underWay: 0, users: 0, waiting: [] };
      this.guesses.set(id, guess);
    }
    guess.users += 1;
    return guess;
  }

  private leave({ limit, subject }: LimitKey, guess: Guesses): void {
    guess.users -= 1;
    if (guess.users === 0) this.guesses.delete(`${limit} ${subject}`);
    for (const resume of guess.waiting.splice(0)) resume();
  }

  /** Waits for a turn and takes it in the same step, because all who wait resume together. */
  private async takeTurn(keys: LimitKey[], guesses: Guesses[], origin: Origin): Promise<void> {
    const startedAt = performance.now();
    while (performance.now() < startedAt + DATABASE_DEADLINE_MS) {
      for (const [index, { count }] of guesses.entries()) {
        const { limit } = keys[index];
        if (count.hits >= SHARED_LIMITS[limit].max) this.refuse(limit, origin, secondsLeft(limit, count));
      }
      const busy = guesses.find(
        ({ count, underWay }, index) => count.hits + underWay >= SHARED_LIMITS[keys[index].limit].max,
      );
      if (!busy) {
        for (const guess of guesses) guess.underWay += 1;
        return;
      }
      await new Promise<void>((resume) => busy.waiting.push(resume));
    }
    throw tooMuchUnderWay();
  }

  private async countWrong(keys: LimitKey[], guesses: Guesses[], origin: Origin): Promise<void> {
    for (const [index, key] of keys.entries()) {
      const { isAdded, ...count } = await this.counters.hit(key);
      guesses[index].count = later(guesses[index].count, count);
      // Other instances have counted the last hits.
      if (!isAdded) this.refuse(key.limit, origin, secondsLeft(key.limit, count));
    }
  }

  private announce(
    limit: SharedLimit | LocalLimit,
    origin: Origin,
    remaining: number,
    resetSeconds: number,
  ): void {
    const { max, seconds, isAnnounced } = LIMITS[limit];
    if (isAnnounced) origin.standing = { policy: limit, max, seconds, remaining, resetSeconds };
  }

  private refuse(
    limit: SharedLimit | LocalLimit,
    origin: Origin,
    retryAfter: number,
    resetSeconds = retryAfter,
  ): never {
    this.refusals[limit] += 1;
    const { max, seconds } = LIMITS[limit];
    origin.standing = { policy: limit, max, seconds, remaining: 0, resetSeconds };
    this.audit.record('rate_limited', origin, { userId: origin.userId, limit });
    throw limitExceeded(limit, retryAfter);
  }
}

/** Answers of the database may arrive in another order than it counted. */
function later(a: Count, b: Count): Count {
  if (a.startedAt !== b.startedAt) return a.startedAt > b.startedAt ? a : b;
  return a.hits > b.hits ? a : b;
}

function secondsLeft(limit: SharedLimit, { startedAt }: Count): number {
  const end = startedAt + SHARED_LIMITS[limit].seconds * SECOND_US;
  return Math.max(1, Math.ceil((end - now()) / SECOND_US));
}
