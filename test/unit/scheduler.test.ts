import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Scheduler } from '#src/scheduling/scheduler.js';

beforeEach(() => {
  vi.useFakeTimers();
  Logger.overrideLogger(false);
});

afterEach(() => vi.useRealTimers());

test('a job runs at the start and then at its interval, until the scheduler stops', async () => {
  const scheduler = new Scheduler();
  let runs = 0;
  scheduler.add({ name: 'job', intervalMs: 1_000, run: async () => void (runs += 1) });
  scheduler.onApplicationBootstrap();
  await vi.advanceTimersByTimeAsync(0);
  expect(runs).toBe(1);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(runs).toBe(4);
  await scheduler.onModuleDestroy();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(runs).toBe(4);
});

test('a job never overlaps itself, and the stop waits for a run under way', async () => {
  const scheduler = new Scheduler();
  let starts = 0;
  let finish!: () => void;
  const run = () => {
    starts += 1;
    return new Promise<void>((resolve) => (finish = resolve));
  };
  scheduler.add({ name: 'slow', intervalMs: 10, run });
  scheduler.onApplicationBootstrap();
  await vi.advanceTimersByTimeAsync(100);
  expect(starts).toBe(1);
  let stopped = false;
  const stop = scheduler.onModuleDestroy().then(() => (stopped = true));
  await vi.advanceTimersByTimeAsync(0);
  expect(stopped).toBe(false);
  finish();
  await stop;
});

test('a job that is woken runs at once, and again if a run is under way', async () => {
  const scheduler = new Scheduler();
  const finishers: (() => void)[] = [];
  const run = () => new Promise<void>((resolve) => finishers.push(resolve));
  scheduler.add({ name: 'job', intervalMs: 1_000_000, run });
  scheduler.onApplicationBootstrap();
  for (let n = 0; n < 3; n += 1) scheduler.wake('job');
  expect(finishers).toHaveLength(1);
  finishers[0]();
  await vi.advanceTimersByTimeAsync(0);
  expect(finishers).toHaveLength(2);
  finishers[1]();
  await vi.advanceTimersByTimeAsync(0);
  expect(finishers).toHaveLength(2);
  scheduler.wake('job');
  expect(finishers).toHaveLength(3);
  finishers[2]();
});

test('the stop aborts the signal of a run under way, and a wake-up starts nothing more', async () => {
  const scheduler = new Scheduler();
  let starts = 0;
  const run = (signal: AbortSignal) => {
    starts += 1;
    return new Promise<void>((_, reject) =>
      signal.addEventListener('abort', () => reject(new Error('cut off'))),
    );
  };
  const warn = vi.spyOn(Logger.prototype, 'warn');
  scheduler.add({ name: 'job', intervalMs: 1_000, run });
  scheduler.onApplicationBootstrap();
  scheduler.wake('job');
  await scheduler.onModuleDestroy();
  scheduler.wake('job');
  await vi.advanceTimersByTimeAsync(3_000);
  expect(starts).toBe(1);
  expect(warn).not.toHaveBeenCalled();
});

test('a job that fails is run again, and does not disturb the others', async () => {
  const scheduler = new Scheduler();
  let failures = 0;
  let runs = 0;
  const fail = () => {
    failures += 1;
    return Promise.reject(new Error('out of order'));
  };
  scheduler.add({ name: 'bad', intervalMs: 10, run: fail });
  scheduler.add({ name: 'good', intervalMs: 10, run: async () => void (runs += 1) });
  scheduler.onApplicationBootstrap();
  await vi.advanceTimersByTimeAsync(20);
  expect([failures, runs]).toEqual([3, 3]);
  await scheduler.onModuleDestroy();
});
