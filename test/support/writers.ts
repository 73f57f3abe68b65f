import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { expectFailure } from './failure.js';
import { under } from './keyed.js';
import { type Answer, expectSuccess, type Json, type Member, type Parley } from './parley.js';
import { until } from './until.js';

const RETRY_MS = 100;
const ADVANCE_TIMEOUT_MS = 60_000;

/** Of the calls of a writer, each of this many creates a chat, and the others send a message. */
const CHAT_EVERY = 10;

/**
 * Clients that write all the time, each call under a key of its own, and repeat a call until it is acknowledged. Every other
 * answer must be 503. Keeps a ledger of what was acknowledged.
 */
export class Writers {
  /** What each acknowledged call has made, by its key: the index of a message, or the uuid of a chat. */
  readonly acknowledged = new Map<string, number | string>();
  /** Counts the answers with 503. */
  refused = 0;
  /** The longest that an answer took. */
  slowestMs = 0;
  /** The longest time without an acknowledged call. */
  longestSilenceMs = 0;
  /** The client of the server that runs. */
  parley: Parley;
  private lastAcknowledgedAt = performance.now();
  private isStopped = false;
  private readonly running: Promise<unknown>;

  constructor(
    private readonly member: Member,
    private readonly chat: string,
    count: number,
    /** Tells keys apart from those of other writers of the same user. */
    private readonly name = '',
  ) {
    this.parley = member.parley;
    this.running = Promise.all(Array.from({ length: count }, (_, writer) => this.write(writer)));
    // The failure is reported by the method that is awaited next.
    this.running.catch(() => {});
  }

  /** Resolves when so many more calls are acknowledged. */
  async advance(count: number): Promise<void> {
    const enough = this.acknowledged.size + count;
    const advanced = until(
      `${enough} calls`,
      () => this.acknowledged.size >= enough || undefined,
      ADVANCE_TIMEOUT_MS,
    );
    await Promise.race([advanced, this.running]);
  }

  /** Lets each writer finish its call. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  /** Expects each acknowledged call, also of `others`, to have made one thing, and nothing else to be there. */
  async expectExactlyAcknowledged(...others: Writers[]): Promise<void> {
    const { token } = this.member;
    const stored: [string, number | string][] = [];
    const path = `/api/chats/${this.chat}/messages`;
    for (let last = 0; ;) {
      const page = `${path}?per_page=1000&after=${last}`;
      const { messages } = expectSuccess(await this.parley.get(page, { token })).data;
      for (const { message, index } of messages as Json[]) stored.push([message, index]);
      if (messages.length < 1000) break;
      last = messages.at(-1).index;
    }
    const chats: Json[] = expectSuccess(await this.parley.get('/api/chats', { token })).data;
    for (const { name, uuid } of chats) if (uuid !== this.chat) stored.push([name, uuid]);
    const acknowledged = [this, ...others].flatMap((writers) => [...writers.acknowledged]);
    expect(sorted(stored)).toEqual(sorted(acknowledged));
  }

  private async write(writer: number): Promise<void> {
    for (let count = 0; !this.isStopped; count += 1) {
      const key = `${this.name}${writer} ${count}`;
      while (!(await this.attempt(key, count))) await sleep(RETRY_MS);
    }
  }

  private async attempt(key: string, count: number): Promise<boolean> {
    const startedAt = performance.now();
    const answer = await this.call(key, count).catch((error: unknown) => {
      // The server has gone.
      if (!(error instanceof TypeError)) throw error;
    });
    if (!answer) return false;
    this.slowestMs = Math.max(this.slowestMs, performance.now() - startedAt);
    if (answer.status === 200) {
      const { index, uuid } = answer.body.data;
      this.acknowledged.set(key, index ?? uuid);
      const now = performance.now();
      this.longestSilenceMs = Math.max(this.longestSilenceMs, now - this.lastAcknowledgedAt);
      this.lastAcknowledgedAt = now;
      return true;
    }
    expectFailure(answer, 503);
    this.refused += 1;
    return false;
  }

  private call(key: string, count: number): Promise<Answer> {
    const options = { token: this.member.token, ...under(key.replace(' ', '-')) };
    if (count % CHAT_EVERY === CHAT_EVERY - 1) {
      const chat = { name: key, users: [this.member.username], message: 'first' };
      return this.parley.post('/api/chats', chat, options);
    }
    const message = { type: 'message', message: key };
    return this.parley.post(`/api/chats/${this.chat}/messages`, message, options);
  }
}

const sorted = (entries: [string, unknown][]) =>
  entries.map(([key, made]) => `${key}: ${String(made)}`).toSorted();
