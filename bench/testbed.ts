import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fetchAnswer, withoutAdditions } from './api.js';
import type { BenchDatabase } from './databases.js';
import type { Options } from './options.js';
import { RESULTS_FOLDER } from './report.js';
import { seedThroughApi } from './seed.js';
import { seedTables } from './seed-tables.js';
import { startServer } from './servers.js';
import { makeWorkloads, type Workload } from './workloads.js';

export type Testbed = Awaited<ReturnType<typeof openTestbed>>;

/** Fills a database, starts Parley and the floor on it, and chooses the workloads to measure there. */
export async function openTestbed(
  database: BenchDatabase,
  parentFolder: string,
  options: Options,
  isSecond: boolean,
) {
  const { only, quick, profile } = options;
  const folder = join(parentFolder, database.name);
  mkdirSync(folder);
  const env = { DATABASE_URL: database.url, JWT_SECRET: randomBytes(48).toString('base64url') };
  console.error(`Filling ${database.name}`);
  const seeding = await startServer('parley', env, folder);
  const seed = await seedThroughApi(seeding.url, options);
  await seeding.stop();
  await seedTables(database.url, seed);
  // A new process, so that its memory and its profile show nothing of the seeding.
  const profileFlags = ['--cpu-prof', `--cpu-prof-dir=${join(RESULTS_FOLDER, database.name)}`];
  const parley = await startServer('parley', env, folder, profile ? profileFlags : []);
  const floor = await startServer('floor', env, folder);
  const workloads = makeWorkloads(seed).filter(
    ({ name, group }) =>
      (!only.length || only.some((start) => name.startsWith(start))) &&
      (!quick || !isSecond || group === 'send'),
  );
  return { database, parley, floor, seed, workloads };
}

/**
 * Checks that Parley and the floor give the same answers to one connection's requests: to GET the same bytes,
 * to POST the same but for numbers.
 */
export async function verifyAnswers({ hasFloor, requestsOf, isRight }: Workload, testbed: Testbed) {
  const { parley, floor } = testbed;
  for (const request of await requestsOf(0, parley.url)) {
    const answers: string[] = [];
    for (const { url } of hasFloor ? [parley, floor] : [parley]) {
      const { status, contentType, text } = await fetchAnswer(url, request);
      if (status !== 200 || isRight?.((JSON.parse(text) as { data: unknown }).data, request) === false) {
        throw new Error(`${request.method} ${url}${request.path} answered wrongly: ${status} ${text}`);
      }
      answers.push(
        `${contentType} ${request.method === 'GET' ? withoutAdditions(text) : text.replaceAll(/\d+/g, '0')}`,
      );
    }
    if (hasFloor) assert.equal(answers[1], answers[0]);
  }
}
