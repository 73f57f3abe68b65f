import { availableParallelism } from 'node:os';
import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import pLimit from 'p-limit';
import { Settings } from '../config/settings.js';

/**
 * Hashes and checks passwords with argon2id. At most one runs per core and the rest queue: each takes
 * 19 MiB, and one of the four threads that files and look-ups need too.
 */
@Injectable()
export class PasswordHasher {
  private readonly limit = pLimit(Math.min(availableParallelism(), 3));
  private readonly decoy: Promise<string>;

  constructor(private readonly settings: Settings) {
    this.decoy = this.hash('');
  }

  /** The argon2id hash, with its salt and cost, of a digest in hexadecimal of either case. */
  hash(digest: string): Promise<string> {
    return this.hashSecret(digest.toLowerCase());
  }

  /** Without a `stored` hash it is false after the same time: a stranger learns nothing from the delay. */
  async verify(stored: string | undefined, digest: string): Promise<boolean> {
    const matches = await this.verifySecret(stored ?? (await this.decoy), digest.toLowerCase());
    return matches && stored !== undefined;
  }

  /** As {@link hash}, of any text. */
  hashSecret(secret: string): Promise<string> {
    return this.limit(() => hash(secret, this.settings.hashing));
  }

  verifySecret(stored: string, secret: string): Promise<boolean> {
    return this.limit(() => verify(stored, secret));
  }
}
