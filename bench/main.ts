import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabases } from './databases.js';
import { goalsTable, judge } from './goals.js';
import { LOGIN_GROUP, type LoginResult, measureLogin } from './login.js';
import { measureGroup, type Result } from './measure.js';
import { readOptions } from './options.js';
import { Progress } from './progress.js';
import { table } from './report.js';
import { openSite, type Site } from './site.js';
import { verify } from './verify.js';

const options = readOptions();
const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
const progress = new Progress();
const databases = await createDatabases(folder);
const sites: Site[] = [];
try {
  for (const database of databases) sites.push(await openSite(database, folder, options, progress));
  for (const site of sites) {
    if (options.only.length > 0) {
      site.works = site.works.filter(({ name }) => options.only.some((start) => name.startsWith(start)));
    }
    for (const work of site.works) await verify(work, site);
  }
  const groups = new Set(sites.flatMap(({ works }) => works.map(({ group }) => group)));
  const results: Result[] = [];
  const logins: LoginResult[] = [];
  for (const group of groups) {
    // The last: the memory that hashing took comes back late.
    if (group !== LOGIN_GROUP) results.push(...(await measureGroup(sites, group, options, progress)));
  }
  if (groups.has(LOGIN_GROUP)) {
    for (const site of sites) {
      const { result, login } = await measureLogin(site, options, progress);
      results.push(result);
      logins.push(login);
    }
  }
  process.stdout.write(`${table(results)}\n${goalsTable(judge(results, logins))}\n`);
} finally {
  progress.stop();
  for (const { parley, floor } of sites) await Promise.all([parley.stop(), floor.stop()]);
  for (const database of databases) await database.drop();
  rmSync(folder, { recursive: true, force: true });
}
