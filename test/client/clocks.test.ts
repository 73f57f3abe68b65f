import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { backoffMs } from '../../client/dist/backoff.js';
import { watchNetwork } from '../../client/dist/network.js';
import { SilenceWatch } from '../../client/dist/transports/silence-watch.js';

describe('back-off', () => {
  test('is random, from 0.5 s to 5 s at first and to 30 s at last', () => {
    const bounds = [0, 1, 2, 3, 10, 1000].map((failures) => {
      const waits = Array.from({ length: 1000 }, () => backoffMs(failures));
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(500);
      return Math.ceil(Math.max(...waits) / 1000);
    });
    expect(bounds).toEqual([5, 10, 20, 30, 30, 30]);
    expect(new Set(Array.from({ length: 100 }, () => backoffMs(0))).size).toBeGreaterThan(90);
  });
});

describe('clocks', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('a sleep is noticed when the machine wakes up, and a page that is hidden is no sleep', () => {
    const listener = vi.fn();
    const stop = watchNetwork(listener);
    vi.advanceTimersByTime(600_000);
    vi.setSystemTime(Date.now() + 60_000);
    vi.advanceTimersByTime(5_000);
    expect(listener).not.toHaveBeenCalled();
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(5_000);
    expect(listener).toHaveBeenCalledOnce();
    stop();
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(5_000);
    expect(listener).toHaveBeenCalledOnce();
  });

  test('silence leads to a question, and no answer to the end', () => {
    const [ask, onSilent] = [vi.fn(), vi.fn()];
    const watch = new SilenceWatch({ quietMs: 25_000, ask, onSilent });
    for (let n = 0; n < 10; n += 1) {
      vi.advanceTimersByTime(20_000);
      watch.heard();
    }
    expect(ask).not.toHaveBeenCalled();
    vi.advanceTimersByTime(25_000);
    expect(ask).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(5_000);
    watch.heard();
    vi.advanceTimersByTime(25_000);
    expect(ask).toHaveBeenCalledTimes(2);
    expect(onSilent).not.toHaveBeenCalled();
    vi.advanceTimersByTime(10_000);
    expect(onSilent).toHaveBeenCalledOnce();
    watch.stop();
    vi.advanceTimersByTime(60_000);
    expect(onSilent).toHaveBeenCalledOnce();
  });
});
