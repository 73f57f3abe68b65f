import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join, relative } from 'node:path';
import { chart } from './chart.js';
import { type Verdict, multipleOf } from './goals.js';
import type { LoginResult } from './login.js';
import type { Result } from './measure.js';
import type { Options } from './options.js';

const FOLDER = join(import.meta.dirname, '../../bench/results');

/** `CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile`; threads that hash leave one of their own. */
const MAIN_THREAD = /\.0\.\d+\.cpuprofile$/;

export interface Report {
  options: Options;
  results: Result[];
  logins: LoginResult[];
  verdicts: Verdict[];
}

/** Keeps the figures as JSON and as a chart; the files' names. */
export function keep(report: Report): string[] {
  mkdirSync(FOLDER, { recursive: true });
  const machine = { node: process.version, processors: availableParallelism(), model: cpus()[0]?.model };
  const json = join(FOLDER, 'latest.json');
  writeFileSync(json, JSON.stringify({ date: new Date().toISOString(), machine, ...report }, null, 2));
  const svg = join(FOLDER, 'latest.svg');
  const [main] = report.results;
  const rows = report.results.filter(({ database, ratio }) => database === main?.database && ratio !== null);
  writeFileSync(svg, chart(rows, multipleOf));
  return [json, svg].map((file) => relative(process.cwd(), file));
}

/** Keeps the profile that a server has left in its folder. */
export function keepProfile(database: string, folder: string): string[] {
  mkdirSync(FOLDER, { recursive: true });
  return readdirSync(folder)
    .filter((name) => MAIN_THREAD.test(name))
    .map((name) => {
      const kept = join(FOLDER, `${database.toLowerCase()}.cpuprofile`);
      copyFileSync(join(folder, name), kept);
      return relative(process.cwd(), kept);
    });
}
