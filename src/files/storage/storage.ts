import type { Readable } from 'node:stream';

export interface ByteRange {
  start: number;
  /** Inclusive. */
  end: number;
}

/** Stores the bytes of files. Keys consist of hexadecimal digits, `-` and `.`, never of a client's text. */
export abstract class Storage {
  /** Whether other instances write to the same storage. */
  abstract readonly isShared: boolean;

  /** Stores `bytes` durably under a new key. After a failure the caller must call `remove`. */
  abstract write(key: string, bytes: AsyncIterable<Buffer>): Promise<void>;

  /** The next chunk may overwrite the previous one. @throws when the key does not exist. */
  abstract read(key: string, range?: ByteRange): Promise<Readable>;

  /** Rejects unless the storage can be used. */
  abstract ping(): Promise<void>;

  /** Also removes the leftovers of a failed `write`. Does nothing if the key does not exist. */
  abstract remove(key: string): Promise<void>;
}
