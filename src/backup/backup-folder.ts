import { constants, copyFile, open, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { SECRET_FILE } from '../config/secret.js';
import { StartError } from '../config/settings.js';
import type { DiskStorage } from '../files/storage/disk.storage.js';

/** The parts of a backup. The database is written last, so that a folder with a database is complete. */
export function backupPaths(command: string, argument: string | undefined) {
  if (!argument) throw new StartError(`Name the folder of the backup: npm run ${command} -- <folder>`);
  const folder = resolve(argument);
  return {
    folder,
    database: join(folder, 'parley.sqlite'),
    files: join(folder, 'files'),
    secret: join(folder, SECRET_FILE),
  };
}

export async function isEmptyOrMissing(folder: string): Promise<boolean> {
  const names = await unlessMissing(readdir(folder));
  return !names || names.length === 0;
}

/** Returns the keys of the files that `source` lacks. */
export async function copyFiles(
  keys: Iterable<string>,
  source: DiskStorage,
  target: DiskStorage,
): Promise<string[]> {
  const missing: string[] = [];
  for (const key of keys) {
    const bytes = await unlessMissing(source.read(key));
    if (bytes) await target.write(key, bytes);
    else missing.push(key);
  }
  return missing;
}

export function describeLost(keys: string[], folder: string): string {
  return keys.length > 0 ? `${keys.length} files are missing in ${folder}: ${keys.join(', ')}\n` : '';
}

/** Returns `false` if the source does not exist. Fails if the target exists. */
export async function copyDurably(source: string, target: string): Promise<boolean> {
  const isCopied = await unlessMissing(copyFile(source, target, constants.COPYFILE_EXCL).then(() => true));
  if (!isCopied) return false;
  await flush(target);
  await flush(dirname(target));
  return true;
}

/** Makes the content of a file, or the names in a folder, durable. */
export async function flush(path: string): Promise<void> {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
