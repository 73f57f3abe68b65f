import { availableParallelism } from 'node:os';
import { Injectable } from '@nestjs/common';
import { Piscina } from 'piscina';
import { Settings } from '../config/settings.js';
import { settle, type Waiting } from '../database/batcher.js';
import type work from './hashing.worker.js';
import type { HashingJob } from './hashing.worker.js';

/** Each takes 19 MiB while it hashes. */
const THREADS = Math.min(availableParallelism(), 4);

/** How many jobs a thread is handed at a time, at most. */
const MAX_BATCH_SIZE = 8;

/**
 * The threads that hash: the process's, as its processors are. Their priority is low (nice 10, on Linux), so that other
 * requests wait little for many logins. They end when they have had nothing to do for a minute.
 */
export const hashingThreads = new Piscina<HashingJob[], ReturnType<typeof work>>({
  filename: new URL('hashing.worker.js', import.meta.url).href,
  minThreads: 0,
  maxThreads: THREADS,
  idleTimeout: 60_000,
  niceIncrement: 10,
  recordTiming: false,
});

type WaitingJob = Waiting<HashingJob, string | boolean>;

/** Hashes and checks passwords with argon2id. */
@Injectable()
export class PasswordHasher {
  private readonly decoy: Promise<string>;
  private readonly waiting: WaitingJob[] = [];
  private working = 0;

  constructor(private readonly settings: Settings) {
    this.decoy = this.hash('');
  }

  /** The argon2id hash, with its salt and cost, of a digest in hexadecimal of either case. */
  hash(digest: string): Promise<string> {
    return this.hashSecret(digest.toLowerCase());
  }

  /** Without a `stored` hash it is false after the same time: a stranger learns nothing from the delay. */
  async verify(stored: string | undefined, digest: string): Promise<boolean> {
    // Awaited in both cases: of those who come together, neither kind is hashed before the other.
    const decoy = await this.decoy;
    const matches = await this.verifySecret(stored ?? decoy, digest.toLowerCase());
    return matches && stored !== undefined;
  }

  /** As {@link hash}, of any text. */
  hashSecret(secret: string): Promise<string> {
    return this.add({ secret, cost: this.settings.hashing }) as Promise<string>;
  }

  verifySecret(stored: string, secret: string): Promise<boolean> {
    return this.add({ secret, stored }) as Promise<boolean>;
  }

  private add(item: HashingJob): Promise<string | boolean> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.handOut();
    });
  }

  /**
   * Gives the free threads what waits. While many wait, several at a time: what these lead to (a token, an answer, the
   * next login) then comes together too, and costs much less than one by one between hashes, which empty the processor's caches.
   */
  private handOut(): void {
    while (this.working < THREADS && this.waiting.length > 0) {
      const share = Math.min(MAX_BATCH_SIZE, Math.ceil(this.waiting.length / THREADS / 2));
      void this.work(this.waiting.splice(0, share));
    }
  }

  private async work(batch: WaitingJob[]): Promise<void> {
    this.working += 1;
    try {
      settle(batch, await hashingThreads.run(batch.map(({ item }) => item)));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    this.working -= 1;
    this.handOut();
  }
}
