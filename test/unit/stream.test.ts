import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { EndReason } from '#src/live/fan-out.js';
import { type Outlet, Stream } from '#src/live/stream.js';

const MAX_IDLE_MS = 30_000;
const SECOND_MS = 1_000;

/** A client that takes `bytesPerSecond` of what waits. */
class Reader {
  readonly transport = 'sse';
  waitingBytes = 0;
  takenBytes = 0;
  reason?: EndReason;

  constructor(private readonly bytesPerSecond: number) {}

  start() {}
  encode = () => Buffer.alloc(0);
  write = () => true;
  onClose() {}
  onceDrained() {}
  beat() {}

  end(reason: EndReason) {
    this.reason = reason;
  }

  /** Lets a second pass, in which so many bytes come. */
  pass(bytes: number): void {
    const taken = Math.min(this.bytesPerSecond, this.waitingBytes + bytes);
    this.waitingBytes += bytes - taken;
    this.takenBytes += taken;
    vi.advanceTimersByTime(SECOND_MS);
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** Lets bytes come each second for two minutes, and returns why the stream was ended, if it was. */
function follow(reader: Reader, bytes: number): EndReason | undefined {
  const caller = { userId: 1, username: 'sam', tokenId: '', expiresAt: 0 };
  const stream = new Stream(caller, reader satisfies Outlet, () => {});
  for (let second = 0; second < 120; second += 1) {
    reader.pass(bytes);
    stream.checkProgress(MAX_IDLE_MS);
  }
  return reader.reason;
}

test('a client that takes something each second is not cut off, even if ever more waits', () => {
  expect(follow(new Reader(1_000), 1_100)).toBeUndefined();
});

test('a client that has nothing to take is not cut off', () => {
  expect(follow(new Reader(0), 0)).toBeUndefined();
});

test('a client that takes nothing of what waits is cut off', () => {
  expect(follow(new Reader(0), 1)).toBe('too_slow');
});
