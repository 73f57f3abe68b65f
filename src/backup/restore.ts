import { existsSync } from 'node:fs';
import { chmod, copyFile, link, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SECRET_FILE } from '../config/secret.js';
import { type CommandSettings, StartError } from '../config/settings.js';
import { closeDatabase, databaseLabel, openDatabase } from '../database/data-source.js';
import { renewEpoch } from '../database/epoch.js';
import { UnitOfWork } from '../database/unit-of-work.js';
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
 * Puts a backup where the settings expect the data, which must be empty, and gives the database a new epoch. On MySQL the
 * tools of its vendor have already put the data back. Returns a report.
 */
export async function restore(settings: CommandSettings, argument: string | undefined): Promise<string> {
  const { database, storage, dataDir } = settings;
  if (database.kind === 'mysql') {
    await startNewEpoch(settings);
    return `${databaseLabel(database)} has a new epoch. Nothing else is done: its vendor's tools restore the data.\n`;
  }
  const source = backupPaths('restore', argument);
  if (!existsSync(source.database)) throw new StartError(`${source.folder} is no complete backup`);
  const { file } = database;
  // SQLite would apply a left log to the restored database.
  for (const path of [file, `${file}-wal`, `${file}-journal`]) {
    if (existsSync(path)) throw new StartError(`${path} exists: stop the server and move its data away`);
  }
  if (storage.kind === 'disk' && !(await isEmptyOrMissing(storage.folder))) {
    throw new StartError(`${storage.folder} is not empty: move it away`);
  }
  const secret = join(dataDir, SECRET_FILE);
  if (existsSync(secret) && existsSync(source.secret) && !(await haveEqualContent(secret, source.secret))) {
    throw new StartError(`${secret} is not the key of the backup: move it away`);
  }

  // The database appears last and at once, because a server may start at any time.
  const workFolder = `${file}.restoring`;
  await rm(workFolder, { recursive: true, force: true });
  await mkdir(workFolder, { recursive: true });
  try {
    const copy = join(workFolder, 'parley.sqlite');
    await copyFile(source.database, copy);
    await chmod(copy, 0o600);
    const keys = readFileKeys(copy, source.database);
    await startNewEpoch({ ...settings, database: { kind: 'sqlite', file: copy } });
    await flush(copy);
    let files = '';
    if (storage.kind === 'disk') {
      const [from, to] = [await DiskStorage.open(source.files), await DiskStorage.open(storage.folder)];
      files = describeLost(await copyFiles(keys, from, to), source.files);
    }
    if (!existsSync(secret)) {
      await mkdir(dataDir, { recursive: true });
      await copyDurably(source.secret, secret);
    }
    await link(copy, file);
    await flush(dirname(file));
    return `${source.folder} is restored to ${file}, with a new epoch.\n${files}`;
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

async function haveEqualContent(...files: string[]): Promise<boolean> {
  const [one, other] = await Promise.all(files.map((file) => readFile(file)));
  return one.equals(other);
}

function readFileKeys(copy: string, original: string): Set<string> {
  const snapshot = Snapshot.open(copy);
  try {
    if (!snapshot.isIntact()) throw new StartError(`${original} is damaged`);
    return snapshot.fileKeys();
  } finally {
    snapshot.close();
  }
}

/** Runs migrations as well, because the backup may be older than epochs. */
async function startNewEpoch(settings: CommandSettings): Promise<void> {
  const { writer, reader } = await openDatabase(settings);
  try {
    await new UnitOfWork(writer).run(renewEpoch);
  } finally {
    await closeDatabase(writer, reader);
  }
}
