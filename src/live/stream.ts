import type { Caller } from '../tokens/caller.js';
import type { ChatProgress } from './cursor.js';
import type { EndReason, Follower } from './fan-out.js';
import type { LiveEvent } from './live-event.js';

/** How a stream's events reach its client. */
export interface Outlet {
  readonly transport: 'sse' | 'websocket';
  /** Bytes that the client has not taken yet. */
  readonly waitingBytes: number;
  /** Bytes that the client has taken since it connected. */
  readonly takenBytes: number;
  /** Begins the stream. */
  start(id: string, isRecovered: boolean): void;
  encode(event: LiveEvent): Buffer;
  /** Returns false if the client should first take what is waiting. */
  write(bytes: Buffer): boolean;
  /** Runs when the client is gone. */
  onClose(listener: () => void): void;
  /** Runs once the client has taken what was waiting, or is gone. */
  onceDrained(listener: () => void): void;
  /** Shows the client, and proxies, that the stream is alive. Disconnects a client that has not answered the last time. */
  beat(): void;
  end(reason: EndReason): void;
}

export const MAX_WAITING_BYTES = 1_048_576;

/** Events are joined into one write up to this size. */
const FLUSH_BYTES = 65_536;

const SETTLED_MS = 10_000;

/** A client's stream of events: first what was replayed, then what happens. */
export class Stream implements Follower {
  /** The second of the period between two beats in which the stream beats; undefined before its start. */
  beatSecond?: number;
  /** When the stream went live; undefined during the replay. */
  private liveAt?: number;
  private isEnded = false;
  private endReason?: EndReason;
  /** Events that happen during the replay, or since the last flush. */
  private pending: LiveEvent[] = [];
  private pendingBytes = 0;
  /** The ends of the replayed histories, by chat. */
  private replayed?: ReadonlyMap<number, ChatProgress>;
  /** Chats that the user has left during the replay. */
  private left?: Set<number>;
  /** When the client last took something, and how much it had taken by then. */
  private progressAt = performance.now();
  private takenBytes = 0;

  constructor(
    readonly caller: Caller,
    private readonly outlet: Outlet,
    private readonly onEnd: (stream: Stream) => void,
  ) {}

  get hasEnded(): boolean {
    return this.isEnded;
  }

  get transport(): Outlet['transport'] {
    return this.outlet.transport;
  }

  /** Why the server has ended the stream. */
  get reason(): EndReason | undefined {
    return this.endReason;
  }

  push(event: LiveEvent): boolean {
    if (this.isEnded || event.isBefore(this.replayed)) return false;
    if (this.liveAt !== undefined && this.pendingBytes > FLUSH_BYTES) this.flush();
    if (this.pendingBytes + this.outlet.waitingBytes > MAX_WAITING_BYTES) {
      this.end('too_slow');
      return false;
    }
    if (this.liveAt === undefined && event.type === 'chat.removed')
      (this.left ??= new Set()).add(event.chat.id);
    this.pending.push(event);
    this.pendingBytes += this.outlet.encode(event).length;
    return true;
  }

  flush(): void {
    if (this.liveAt === undefined || this.isEnded || this.pending.length === 0) return;
    const events = this.pending;
    this.pending = [];
    this.pendingBytes = 0;
    const [first] = events;
    this.outlet.write(
      events.length === 1
        ? this.outlet.encode(first)
        : Buffer.concat(events.map((event) => this.outlet.encode(event))),
    );
  }

  /** Writes events of the past at the pace of the client. Returns how many were written. */
  async replay(events: (LiveEvent | undefined)[]): Promise<number> {
    let count = 0;
    for (const event of events) {
      if (this.isEnded) break;
      if (!event || (this.left?.has(event.chat.id) && event.type !== 'chat.removed')) continue;
      if (!this.outlet.write(this.outlet.encode(event))) {
        await new Promise<void>((resolve) => this.outlet.onceDrained(resolve));
      }
      count += 1;
    }
    return count;
  }

  /** Drops the events that the replay covers. `ends` has the ends of the replayed histories. */
  skipTo(ends: ReadonlyMap<number, ChatProgress>): void {
    const { pending } = this;
    this.replayed = ends;
    this.left = undefined;
    this.pending = [];
    this.pendingBytes = 0;
    for (const event of pending) this.push(event);
  }

  /** Ends the replay: from now on events are written as they happen. */
  goLive(): void {
    this.liveAt = performance.now();
    this.flush();
  }

  /** Shows the client that the stream is alive. */
  beat(): void {
    // By then all events from before the end of the replay have been delivered.
    if (this.liveAt !== undefined && performance.now() - this.liveAt > SETTLED_MS) this.replayed = undefined;
    this.outlet.beat();
  }

  /** Ends the stream if the client takes nothing for `maxIdleMs`. */
  checkProgress(maxIdleMs: number): void {
    const { waitingBytes, takenBytes } = this.outlet;
    const at = performance.now();
    if (waitingBytes === 0 || takenBytes > this.takenBytes) {
      this.progressAt = at;
      this.takenBytes = takenBytes;
    } else if (at - this.progressAt > maxIdleMs) {
      this.end('too_slow');
    }
  }

  end(reason: EndReason): void {
    if (this.isEnded) return;
    this.endReason = reason;
    this.close();
    this.outlet.end(reason);
  }

  /** Forgets the client, who is gone. */
  close(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.pending = [];
    this.onEnd(this);
  }
}
