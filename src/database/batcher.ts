import { DatabaseUnavailable, isUnavailable } from './driver-errors.js';

export interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

export function settle<Result>(batch: Waiting<unknown, Result>[], results: (Result | Error)[]): void {
  batch.forEach(({ resolve, reject }, index) => {
    const result = results[index];
    if (result instanceof Error) reject(result);
    else resolve(result);
  });
}

interface WaitingItem<Item, Result> extends Waiting<Item, Result> {
  addedAt: number;
}

const MAX_BATCH_SIZE = 128;

const MAX_WAITING_ITEMS = 4_096;

/**
 * Runs requests that arrive together, or while an earlier batch is under way, as one batch: many look-ups in one query,
 * many writes in one commit. A request never receives a result that was read before it arrived.
 */
export class Batcher<Item, Result> {
  private waiting: WaitingItem<Item, Result>[] = [];
  /** From a batch of which the database refused one: each runs by itself, so that the others succeed. */
  private alone: WaitingItem<Item, Result>[] = [];
  private working = false;

  /**
   * `work` returns, in the order of the items, the result of each or its error. It also gets when the oldest item was added,
   * by `performance.now()`.
   */
  constructor(
    private readonly work: (items: Item[], addedAt: number) => Promise<(Result | Error)[]>,
    private readonly maxBatchSize = MAX_BATCH_SIZE,
  ) {}

  /** @throws DatabaseUnavailable at once if MAX_WAITING_ITEMS already wait. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length >= MAX_WAITING_ITEMS)
        throw new DatabaseUnavailable('too many requests are waiting');
      this.waiting.push({ item, resolve, reject, addedAt: performance.now() });
      if (!this.working) void this.workAll();
    });
  }

  private async workAll(): Promise<void> {
    this.working = true;
    while (this.waiting.length > 0) {
      await this.gather();
      await this.workOn(this.waiting.splice(0, this.maxBatchSize));
      while (this.alone.length > 0) await this.workOn(this.alone.splice(0, 1));
    }
    this.working = false;
  }

  /**
   * Waits for the requests of the same turn of the event loop, and while their number grows for those of the next turn.
   * SQLite's driver is synchronous and would finish a batch before the next request is read.
   */
  private async gather(): Promise<void> {
    let count: number;
    do {
      count = this.waiting.length;
      await new Promise(setImmediate);
    } while (this.waiting.length > Math.max(count, 1) && this.waiting.length < this.maxBatchSize);
  }

  private async workOn(batch: WaitingItem<Item, Result>[]): Promise<void> {
    try {
      settle(
        batch,
        await this.work(
          batch.map(({ item }) => item),
          batch[0].addedAt,
        ),
      );
    } catch (error) {
      if (batch.length > 1 && !isUnavailable(error)) {
        this.alone = batch;
        return;
      }
      // The rest would wait for the database as long again.
      const rest = error instanceof DatabaseUnavailable ? [this.alone.splice(0), this.waiting.splice(0)] : [];
      for (const { reject } of [batch, ...rest].flat()) reject(error);
    }
  }
}
