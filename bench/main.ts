import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchDatabase, createDatabases } from './databases.js';
import { measureLive } from './live.js';
import { measureLogin } from './login.js';
import { measureGroup, progress, type Result } from './measure.js';
import { readOptions } from './options.js';
import { publishReport, RESULTS_FOLDER } from './report.js';
import { stopServers } from './servers.js';
import { openTestbed, type Testbed, verifyAnswers } from './testbed.js';

const options = readOptions();
const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
const databases: BenchDatabase[] = [];
const testbeds: Testbed[] = [];

async function run(): Promise<void> {
  databases.push(...(await createDatabases(folder)));
  const isOnlyLive = options.only.length > 0 && options.only.every((start) => start.startsWith('live'));
  for (const [index, database] of isOnlyLive ? [] : databases.entries()) {
    testbeds.push(await openTestbed(database, folder, options, index > 0));
  }
  for (const testbed of testbeds) {
    for (const workload of testbed.workloads) await verifyAnswers(workload, testbed);
  }
  const results: Result[] = [];
  const groups = new Set(testbeds.flatMap(({ workloads }) => workloads.map(({ group }) => group)));
  // Logins come last, because the server frees the memory for hashing late.
  groups.delete('login');
  for (const group of groups) results.push(...(await measureGroup(testbeds, group, options)));
  for (const testbed of testbeds) {
    const login = testbed.workloads.find(({ name }) => name === 'login');
    if (login) results.push(await measureLogin(testbed, login, options));
  }
  publishReport(options, results, await measureLive(databases[0], folder, options));
}

async function cleanUp(): Promise<void> {
  progress.stop();
  await stopServers();
  if (options.profile) console.log(`The profiles are in ${RESULTS_FOLDER}`);
  for (const database of databases) await database.drop?.();
  rmSync(folder, { recursive: true, force: true });
}

let ending: Promise<void> | undefined;
const end = (exitCode: number) => {
  ending ??= cleanUp()
    .catch(console.error)
    .finally(() => process.exit(exitCode));
};

// A reader such as `head` may close the pipe early.
process.stdout.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(1));
process.on('unhandledRejection', (error) => {
  // The clean-up stops the servers, so that requests that are under way fail as well.
  if (!ending) console.error(error);
  end(1);
});
void run().then(() => end(0));
