import type { Readable } from 'node:stream';

/** The first and the last byte to read, both included. */
export interface ByteRange {
  start: number;
  end: number;
}

/** Where the bytes of files are. Keys are ours: hexadecimal, `-` and `.`, never a client's text. */
export abstract class Storage {
  /** Whether other instances write to it, too: then what is half-written may be theirs. */
  abstract readonly isShared: boolean;

  /**
   * Stores all of `bytes` under a key that nothing has used before; durable when it resolves. Nobody reads
   * the key before that. When it throws, or `bytes` does, there may be leftovers, which `remove` removes.
   *
   * @throws ParleyError (storage-full) when there is no room left.
   */
  abstract write(key: string, bytes: AsyncIterable<Buffer>): Promise<void>;

  /** The bytes, or a range of them; fails if they are gone. A chunk is valid until the next one is asked for. */
  abstract read(key: string, range?: ByteRange): Promise<Readable>;

  /** Removes the bytes and what a broken `write` has left of them; nothing there is fine. */
  abstract remove(key: string): Promise<void>;
}
