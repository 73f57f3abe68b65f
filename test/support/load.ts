import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { Agent, request } from 'undici';
import { type Json, type Member } from './parley.js';
import { until } from './until.js';

const WRITERS_WITH_KEYS = 8;
const WRITERS_WITHOUT_KEYS = 8;
const READERS = 8;

/** Leaves the processor to servers that start. */
const PAUSE_MS = 50;

/** Requests under way at once. */
export const MAX_UNDER_WAY = WRITERS_WITH_KEYS + WRITERS_WITHOUT_KEYS + READERS;

/**
 * Clients that send messages to a chat and read its last page, one request after the other. A request that fails is recorded,
 * and repeated, once, only if it has a key. Keeps a ledger of what was acknowledged.
 */
export class Load {
  /** Requests with an answer, or that failed. */
  requests = 0;
  /** Why a request failed: its status, or an error. */
  readonly failures: string[] = [];
  /** Indexes of acknowledged messages, by text. */
  private readonly acknowledged = new Map<string, number>();
  /** Texts of messages that failed. */
  readonly inDoubt = new Set<string>();
  private lastIndex = 0;
  private isStopped = false;
  private readonly agent = new Agent();
  private readonly running: Promise<unknown>;

  /** The chat holds one message, its first. */
  constructor(
    private readonly member: Member,
    private readonly chat: string,
    private readonly url: string,
  ) {
    const times = (count: number, run: (n: number) => Promise<void>) =>
      Array.from({ length: count }, (_, n) => run(n));
    this.running = Promise.all([
      ...times(WRITERS_WITH_KEYS, (n) => this.write(`with-key-${n}`, true)),
      ...times(WRITERS_WITHOUT_KEYS, (n) => this.write(`without-key-${n}`, false)),
      ...times(READERS, () => this.read()),
    ]);
    // The failure is reported by the method that is awaited next.
    this.running.catch(() => {});
  }

  /** Resolves when so many more requests are answered. */
  async advance(count: number): Promise<void> {
    const enough = this.requests + count;
    await Promise.race([
      until(`${enough} requests`, () => this.requests >= enough || undefined),
      this.running,
    ]);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
    if (!this.agent.closed) await this.agent.close();
  }

  /** Expects each acknowledged message once, at its index, and no other but those in doubt, at most once. */
  async expectExactlyAcknowledged(): Promise<void> {
    const stored: [string, number][] = [];
    for (let last = 0; ;) {
      const { messages } = await this.member.list(this.chat, `?per_page=1000&after=${last}`);
      for (const { message, index } of messages as Json[]) stored.push([message, index]);
      if (messages.length < 1000) break;
      last = messages.at(-1).index;
    }
    expect(stored.map(([, index]) => index)).toEqual(stored.map((_, n) => n + 1));
    const certain = stored.filter(([text]) => !this.inDoubt.has(text));
    expect(new Map(certain)).toEqual(this.acknowledged);
    expect(new Set(stored.map(([text]) => text)).size).toBe(stored.length);
  }

  private async write(writer: string, hasKey: boolean): Promise<void> {
    for (let count = 0; !this.isStopped; count += 1) {
      const message = `${writer}-${count}`;
      const headers: Record<string, string> = hasKey ? { 'idempotency-key': `${this.chat}-${message}` } : {};
      const body = JSON.stringify({ type: 'message', message });
      let data = await this.call('POST', '', headers, body);
      if (!data && hasKey) data = await this.call('POST', '', headers, body);
      if (!data) {
        this.inDoubt.add(message);
        continue;
      }
      this.acknowledged.set(message, data.index);
      this.lastIndex = Math.max(this.lastIndex, data.index);
    }
  }

  private async read(): Promise<void> {
    while (!this.isStopped) {
      const { lastIndex } = this;
      const data = await this.call('GET', '?per_page=10&order=desc');
      // What one instance has acknowledged, the other knows.
      if (data) expect(data.messages[0].index).toBeGreaterThanOrEqual(lastIndex);
    }
  }

  /** Returns the data of an answer, or undefined if the request fails. */
  private async call(
    method: 'GET' | 'POST',
    query: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<Json> {
    try {
      const answer = await request(`${this.url}/api/chats/${this.chat}/messages${query}`, {
        method,
        headers: {
          authorization: this.member.token,
          ...(body && { 'content-type': 'application/json' }),
          ...headers,
        },
        body,
        dispatcher: this.agent,
      });
      const text = await answer.body.text();
      if (answer.statusCode === 200) return JSON.parse(text).data;
      this.failures.push(`${method}: ${answer.statusCode} ${text}`);
    } catch (error) {
      this.failures.push(`${method}: ${String(error)}`);
    } finally {
      this.requests += 1;
      await sleep(PAUSE_MS);
    }
    return undefined;
  }
}
