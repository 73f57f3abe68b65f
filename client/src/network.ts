const TICK_MS = 5_000;

/** Browsers run the timers of hidden pages once a minute. A longer gap means that the machine has slept. */
const MAX_GAP_MS = 90_000;

/**
 * Calls the listener after a change of network and after a sleep, when connections from before are probably dead. Returns a
 * function that ends this.
 */
export function watchNetwork(listener: () => void): () => void {
  let lastTick = Date.now();
  const timer = setInterval(() => {
    const gap = Date.now() - lastTick;
    lastTick = Date.now();
    if (gap > MAX_GAP_MS) listener();
  }, TICK_MS);
  // Node.js has neither.
  globalThis.addEventListener?.('online', listener);
  return () => {
    clearInterval(timer);
    globalThis.removeEventListener?.('online', listener);
  };
}
