import { isRefusal, isUnauthorized, ParleyError } from './errors.js';
import type { Signal } from './signal.js';

const MIN_MS = 500;
const FIRST_MAX_MS = 5_000;
const MAX_MS = 30_000;

/** A page of maintenance may ask for an hour. */
const MAX_RETRY_AFTER_MS = 60_000;

/** Returns how long to wait after so many failures, at random, so that clients do not all come back at once. */
export function backoffMs(failures: number): number {
  const max = Math.min(MAX_MS, FIRST_MAX_MS * 2 ** failures);
  return MIN_MS + Math.random() * (max - MIN_MS);
}

export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end);
      resolve();
    }, ms);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

/** Waits before the next try. A wake-up ends the wait, but not before `Retry-After`. */
export async function pause(failures: number, error: unknown, wake: Signal, signal: AbortSignal) {
  const ms = backoffMs(failures);
  const retryAfter = error instanceof ParleyError ? error.retryAfter : undefined;
  if (retryAfter !== undefined)
    return sleep(Math.max(ms, Math.min(retryAfter * 1000, MAX_RETRY_AFTER_MS)), signal);
  const woken = new AbortController();
  const stop = wake.on(() => woken.abort());
  try {
    await sleep(ms, AbortSignal.any([signal, woken.signal]));
  } catch {
    signal.throwIfAborted();
  } finally {
    stop();
  }
}

/** Repeats the work until it succeeds, the server refuses it, or the token is no good; at most so many times. */
export async function repeat<T>(
  work: () => Promise<T>,
  wake: Signal,
  signal: AbortSignal,
  maxTries = Number.POSITIVE_INFINITY,
): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      const isFinal = !(error instanceof ParleyError) || isRefusal(error) || isUnauthorized(error);
      if (isFinal || failures + 1 >= maxTries) throw error;
      await pause(failures, error, wake, signal);
    }
  }
}
