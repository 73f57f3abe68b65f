import { existsSync } from 'node:fs';
import { chmod, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { SECRET_FILE } from '../config/secret.js';
import { type CommandSettings, StartError } from '../config/settings.js';
import { databaseLabel } from '../database/data-source.js';
import { DiskStorage } from '../files/storage/disk.storage.js';
import {
  backupPaths,
  copyDurably,
  copyFiles,
  describeLost,
  flush,
  isEmptyOrMissing,
} from './backup-folder.js';
import { Snapshot } from './snapshot.repository.js';

/**
 * Copies the SQLite database, the files of a folder and the generated secret into a new folder, while a server may run.
 * Returns a report. @throws StartError when nothing can be copied.
 */
export async function backUp(settings: CommandSettings, argument: string | undefined): Promise<string> {
  const { database, storage, dataDir } = settings;
  if (database.kind === 'mysql') {
    throw new StartError(
      `${databaseLabel(database)} needs the tools of its vendor: mariadb-dump or mysqldump, with --single-transaction, ` +
        'or mariabackup for a Galera cluster. docs/operating.md tells how to copy files.',
    );
  }
  const target = backupPaths('backup', argument);
  if (!existsSync(database.file)) throw new StartError(`There is no database ${database.file}`);
  if (!(await isEmptyOrMissing(target.folder))) throw new StartError(`${target.folder} is not empty`);
  await mkdir(target.folder, { recursive: true });
  await chmod(target.folder, 0o700);

  const unfinished = `${target.database}.part`;
  const snapshot = Snapshot.open(database.file);
  let files = 'The bucket with the files is not part of it: use versioning and replication of the bucket.\n';
  try {
    if (storage.kind === 'disk') files = await copyReferredFiles(snapshot, storage.folder, target.files);
    else snapshot.begin();
    await snapshot.copyTo(unfinished);
  } finally {
    snapshot.close();
  }
  await flush(unfinished);
  const hasSecret = await copyDurably(join(dataDir, SECRET_FILE), target.secret);
  await rename(unfinished, target.database);
  await flush(target.folder);
  const secrets = hasSecret ? 'password hashes and the key that signs tokens' : 'password hashes';
  return `The backup is in ${target.folder}\n${files}It holds ${secrets}: keep it as safe as the server.\n`;
}

/**
 * Copies files until a state of the database is found whose files are all copied, and leaves the snapshot at that state.
 * The server removes a file only after it has committed the deletion of the message. So a file that is missing is either
 * unknown to the next state, or it was lost before.
 */
async function copyReferredFiles(snapshot: Snapshot, from: string, to: string): Promise<string> {
  const [source, target] = [await DiskStorage.open(from), await DiskStorage.open(to)];
  const tried = new Set<string>();
  const missing = new Set<string>();
  /** Returns whether all of them were there. */
  async function copyNew(keys: Set<string>): Promise<boolean> {
    const added = [...keys].filter((key) => !tried.has(key));
    const gone = await copyFiles(added, source, target);
    for (const key of added) tried.add(key);
    for (const key of gone) missing.add(key);
    return gone.length === 0;
  }
  // The first copy takes longest, and runs without a snapshot, because a snapshot lets the write-ahead log grow.
  await copyNew(snapshot.fileKeys());
  let keys: Set<string>;
  do keys = snapshot.begin();
  while (!(await copyNew(keys)));

  for (const key of tried) if (!keys.has(key)) await target.remove(key);
  const lost = [...missing].filter((key) => keys.has(key));
  return `It has the database and ${keys.size - lost.length} files.\n${describeLost(lost, from)}`;
}
