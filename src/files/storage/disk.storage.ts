import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { ParleyError } from '../../errors/errors.js';
import { FileReader } from './file-reader.js';
import { type ByteRange, Storage } from './storage.js';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** A folder of the local disk, with 256 folders in it. */
export class DiskStorage extends Storage {
  readonly isShared = false;

  private constructor(private readonly folder: string) {
    super();
  }

  /** Makes the folder, for good, where it is missing. */
  static async open(folder: string): Promise<DiskStorage> {
    await mkdir(folder, { recursive: true });
    await flushFolder(dirname(folder));
    return new DiskStorage(folder);
  }

  /** To a temporary name, flushed, renamed: under its own name a file is whole. */
  async write(key: string, bytes: AsyncIterable<Buffer>): Promise<void> {
    const path = this.pathOf(key);
    const folder = dirname(path);
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(temporary(path), bytes, { flag: 'wx', mode: 0o600, flush: true });
      await rename(temporary(path), path);
      await flushFolder(folder);
      // Whoever made the folder may not have come to this yet.
      await flushFolder(this.folder);
    } catch (error) {
      if (!FULL.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      throw new ParleyError('storage-full', 'there is no room left to store the file');
    }
  }

  async read(key: string, range?: ByteRange): Promise<Readable> {
    return new FileReader(await open(this.pathOf(key)), range);
  }

  async remove(key: string): Promise<void> {
    const path = this.pathOf(key);
    // In this order: a write that is about to rename finds nothing, or has renamed already.
    await rm(temporary(path), { force: true });
    await rm(path, { force: true });
  }

  private pathOf(key: string): string {
    return join(this.folder, key.slice(0, 2), key);
  }
}

const temporary = (path: string) => `${path}.part`;

/** A new name in a folder is durable when the folder is. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
