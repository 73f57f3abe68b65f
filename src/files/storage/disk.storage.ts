import { access, constants, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { storageFull } from '../file-errors.js';
import { FileReader } from './file-reader.js';
import { type ByteRange, Storage } from './storage.js';

const DISK_FULL_CODES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export class DiskStorage extends Storage {
  readonly isShared = false;

  private constructor(private readonly folder: string) {
    super();
  }

  static async open(folder: string): Promise<DiskStorage> {
    await mkdir(folder, { recursive: true });
    await flushFolder(dirname(folder));
    return new DiskStorage(folder);
  }

  /** Writes to a temporary name, flushes, then renames, so that a file with its final name is always complete. */
  async write(key: string, bytes: AsyncIterable<Buffer>): Promise<void> {
    const path = this.pathOf(key);
    const folder = dirname(path);
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(partPath(path), bytes, { flag: 'wx', mode: 0o600, flush: true });
      await rename(partPath(path), path);
      await flushFolder(folder);
      // The upload that created the subfolder may not have flushed its parent yet.
      await flushFolder(this.folder);
    } catch (error) {
      if (!DISK_FULL_CODES.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      throw storageFull();
    }
  }

  async read(key: string, range?: ByteRange): Promise<Readable> {
    return new FileReader(await open(this.pathOf(key)), range);
  }

  async ping(): Promise<void> {
    await access(this.folder, constants.R_OK | constants.W_OK | constants.X_OK);
  }

  async remove(key: string): Promise<void> {
    const path = this.pathOf(key);
    // Remove the temporary file first, because a concurrent write may be about to rename it.
    await rm(partPath(path), { force: true });
    await rm(path, { force: true });
  }

  private pathOf(key: string): string {
    return join(this.folder, key.slice(0, 2), key);
  }
}

const partPath = (path: string) => `${path}.part`;

/** Makes new names in a folder durable. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
