import { isUnavailable } from './driver-errors.js';

/** An item that somebody waits for the result of. */
export interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/** Tells each its result, or the error that it failed with. */
export function settle<Result>(batch: Waiting<unknown, Result>[], results: (Result | Error)[]): void {
  batch.forEach(({ resolve, reject }, index) => {
    const result = results[index];
    if (result instanceof Error) reject(result);
    else resolve(result);
  });
}

/** How many items go together at most. */
const MAX_BATCH_SIZE = 128;

/**
 * Does together what is asked for at the same moment, or while an earlier batch is under way: many look-ups in one
 * query, many writes in one commit. What comes alone waits for nothing, and nothing gets a result of work that began
 * before it came.
 */
export class Batcher<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private working = false;

  /** `work` gets items and tells, in their order, the result of each or the error that it fails with. */
  constructor(private readonly work: (items: Item[]) => Promise<(Result | Error)[]>) {}

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (!this.working) void this.workAll();
    });
  }

  private async workAll(): Promise<void> {
    this.working = true;
    while (this.waiting.length > 0) {
      await this.gather();
      await this.workOn(this.waiting.splice(0, MAX_BATCH_SIZE));
    }
    this.working = false;
  }

  /**
   * Lets in what arrived in the same moment, and where that is more than one as long as more keep coming: SQLite's driver
   * would be done before the next request is read.
   */
  private async gather(): Promise<void> {
    let count: number;
    do {
      count = this.waiting.length;
      await new Promise(setImmediate);
    } while (this.waiting.length > Math.max(count, 1) && this.waiting.length < MAX_BATCH_SIZE);
  }

  private async workOn(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      settle(batch, await this.work(batch.map(({ item }) => item)));
    } catch (error) {
      // One item that the database refuses must not take the others along.
      const refused = batch.length > 1 && !isUnavailable(error);
      for (const waiting of batch) {
        if (refused) await this.workOn([waiting]);
        else waiting.reject(error);
      }
    }
  }
}
