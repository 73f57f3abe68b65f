const TICK_MS = 5_000;

/** What a probe gets to be answered. */
const GRACE_MS = 10_000;

/**
 * Notices a connection on which nothing arrives any more. Asks after some silence, and gives up if no answer comes. Hidden
 * pages run their timers rarely, so the time since the question counts, not the time since the last byte.
 */
export class SilenceWatch {
  private lastHeard = Date.now();
  private askedAt: number | undefined;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor({ quietMs, ask, onSilent }: { quietMs: number; ask: () => void; onSilent: () => void }) {
    this.timer = setInterval(() => {
      const now = Date.now();
      if (this.askedAt !== undefined) {
        if (now - this.askedAt >= GRACE_MS) onSilent();
      } else if (now - this.lastHeard >= quietMs) {
        this.askedAt = now;
        ask();
      }
    }, TICK_MS);
  }

  heard(): void {
    this.lastHeard = Date.now();
    this.askedAt = undefined;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
