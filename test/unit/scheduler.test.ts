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
