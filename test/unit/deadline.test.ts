import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DATABASE_DEADLINE_MS } from '#src/database/driver.js';
import { limitHandlers } from '#src/http/deadline.js';

let fastify: FastifyInstance;
let finish: (body: unknown) => void;
let log: string;

const slow = () => new Promise((resolve) => (finish = resolve));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  log = '';
  fastify = Fastify({ logger: { level: 'warn', stream: { write: (line: string) => void (log += line) } } });
  limitHandlers(fastify);
  fastify.get('/slow', slow);
  fastify.get('/bytes', { config: { takesTime: true } }, slow);
});

afterEach(async () => {
  vi.useRealTimers();
  await fastify.close();
});

/** Sends a request and resolves when its handler runs. */
async function begin(path: string) {
  const running = new Promise<void>((resolve) => fastify.addHook('preHandler', async () => resolve()));
  const answer = fastify.inject(path);
  answer.catch(() => {});
  await running;
  await new Promise(setImmediate);
  return { answer };
}

test('a handler that takes longer than the deadline is answered with 503', async () => {
  const { answer } = await begin('/slow?token=secret');
  await vi.advanceTimersByTimeAsync(DATABASE_DEADLINE_MS);
  const { statusCode, headers, body } = await answer;
  expect([statusCode, headers['retry-after']]).toEqual([503, '1']);
  expect(JSON.parse(body)).toMatchObject({ status: 'error', code: 'unavailable' });
});

test('the late answer is dropped, and the log does not show its address', async () => {
  const { answer } = await begin('/slow?token=secret');
  await vi.advanceTimersByTimeAsync(DATABASE_DEADLINE_MS);
  expect((await answer).statusCode).toBe(503);
  finish({ late: true });
  await new Promise(setImmediate);
  expect(log).toBe('');
});

test.each([
  ['/slow', DATABASE_DEADLINE_MS - 1],
  ['/bytes', DATABASE_DEADLINE_MS * 10],
])('%s may take %d ms, and its timer ends with it', async (path, time) => {
  const { answer } = await begin(path);
  await vi.advanceTimersByTimeAsync(time);
  finish({ done: true });
  expect(JSON.parse((await answer).body)).toEqual({ done: true });
  expect(vi.getTimerCount()).toBe(0);
});
