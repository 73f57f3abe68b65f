import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchDatabase } from './databases.js';
import type { Options } from './options.js';
import type { Progress } from './progress.js';
import { seedThroughApi, type World } from './seed.js';
import { Server } from './servers.js';
import { seedTables } from './tables.js';
import { makeWorks, SEND_GROUP, type Work } from './works.js';

/** A database with all that the works need, and both servers on it. */
export interface Site {
  /** The database's. */
  name: string;
  database: BenchDatabase;
  parley: Server;
  floor: Server;
  world: World;
  /** Those that are to be measured. */
  works: Work[];
  /** Where the servers' logs and profiles are. */
  folder: string;
}

export async function openSite(
  database: BenchDatabase,
  parent: string,
  options: Options,
  progress: Progress,
  isSecond: boolean,
): Promise<Site> {
  const folder = join(parent, database.name);
  mkdirSync(folder);
  const secret = randomBytes(48).toString('base64url');
  const settings = { databaseUrl: database.url, secret, folder, profile: false };
  const seeding = await Server.parley(settings);
  let world: World;
  try {
    world = await seedThroughApi(seeding.url, options.scale, progress);
  } finally {
    await seeding.stop();
  }
  await seedTables(database, world, progress);
  await database.settle();
  // Started anew: neither their memory nor their profile has anything of the seeding.
  const parley = await Server.parley({ ...settings, profile: options.profile });
  const floor = await Server.floor(settings);
  const works = makeWorks(world).filter((work) => isWanted(work, options, isSecond));
  return { name: database.name, database, parley, floor, world, works, folder };
}

function isWanted({ name, group }: Work, { only, quick }: Options, isSecond: boolean): boolean {
  if (quick && isSecond && group !== SEND_GROUP) return false;
  return only.length === 0 || only.some((start) => name.startsWith(start));
}
