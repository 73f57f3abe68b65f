import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchDatabase, createDatabases } from './databases.js';
import { goalsTable, judge } from './goals.js';
import { LOGIN_GROUP, type LoginResult, measureLogin } from './login.js';
import { measureGroup, type Result } from './measure.js';
import { readOptions } from './options.js';
import { Progress } from './progress.js';
import { table } from './report.js';
import { keep, keepProfile } from './results.js';
import { Server } from './servers.js';
import { openSite, type Site } from './site.js';
import { verify } from './verify.js';

const options = readOptions();
const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
const progress = new Progress();
const databases: BenchDatabase[] = [];
const sites: Site[] = [];

/** Leaves nothing behind but the results, however the run ends. */
async function cleanUp(): Promise<void> {
  progress.stop();
  await Server.stopAll();
  for (const { name, folder: own, parley } of sites) {
    if (parley.logged) process.stderr.write(`Parley on ${name} has logged:\n${parley.logged}`);
    for (const profile of keepProfile(name, own)) process.stdout.write(`${profile}\n`);
  }
  for (const database of databases) await database.drop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const results: Result[] = [];
  const logins: LoginResult[] = [];
  const groups = new Set(sites.flatMap(({ works }) => works.map(({ group }) => group)));
  for (const group of groups) {
    if (group === LOGIN_GROUP) continue;
    results.push(...(await measureGroup(sites, group, options, progress)));
  }
  // At the end: the memory that hashing takes comes back late.
  for (const site of sites) {
    if (!site.works.some(({ group }) => group === LOGIN_GROUP)) continue;
    const { result, login } = await measureLogin(site, options, progress);
    results.push(result);
    logins.push(login);
  }
  const verdicts = judge(results, logins);
  const files = keep({ options, results, logins, verdicts });
  process.stdout.write(`${table(results)}\n${goalsTable(verdicts)}\n\n${files.join('\n')}\n`);
}

let cleaning: Promise<void> | undefined;
const cleanUpOnce = () => (cleaning ??= cleanUp());

// Nobody may be reading any more.
process.stdout.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // Each time: a signal often comes twice, to the process and to its group.
  process.on(signal, () => void cleanUpOnce().finally(() => process.exit(1)));
}
try {
  databases.push(...(await createDatabases(folder)));
  for (const [index, database] of databases.entries()) {
    sites.push(await openSite(database, folder, options, progress, index > 0));
  }
  for (const site of sites) for (const work of site.works) await verify(work, site);
  await measure();
} finally {
  await cleanUpOnce();
}
