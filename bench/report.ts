import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { judge } from './goals.js';
import type { LiveFigures } from './live-figures.js';
import type { Figures, Result } from './measure.js';
import type { Options } from './options.js';

export const RESULTS_FOLDER = join(process.cwd(), 'bench/results');

const COLUMNS = 'workload, server, req/s, p50 ms, p99 ms, p99.9 ms, CPU ms, db CPU ms, peak MB, ratio';
// The last two are shares of one processor.
const LIVE_COLUMNS = 'workload, contender, per second, p50 ms, p99 ms, KB a stream, server CPU, client CPU';

export function publishReport(options: Options, results: Result[], live: LiveFigures[]): void {
  for (const name of new Set(results.map(({ database }) => database))) {
    const rows = results
      .filter(({ database }) => database === name)
      .flatMap(({ workload, parley, floor, ratio }) => [
        [workload, 'Parley', ...renderFigures(parley), ratio?.toFixed(2) ?? ''],
        ...(floor ? [['', 'floor', ...renderFigures(floor), '']] : []),
      ]);
    console.log(`${name}\n${renderTable(COLUMNS.split(', '), rows, 2)}\n`);
  }
  const liveRows = live.map((figures) => figures.render());
  if (live.length) console.log(`${renderTable(LIVE_COLUMNS.split(', '), liveRows, 2)}\n`);
  const verdicts = judge(results, live);
  const goals = verdicts.map(({ goal, measured, isMet }) => [goal, measured, isMet ? 'met' : 'MISSED']);
  console.log(renderTable(['goal', 'measured', ''], goals, 3));

  mkdirSync(RESULTS_FOLDER, { recursive: true });
  const file = join(RESULTS_FOLDER, 'latest.json');
  const machine = { node: process.version, processors: availableParallelism(), model: cpus()[0]?.model };
  const report = { date: new Date().toISOString(), machine, options, results, live, verdicts };
  writeFileSync(file, JSON.stringify(report, null, 2));
  console.log(file);
}

function renderFigures({ rate, p50, p99, p999, cpu, databaseCpu, peakMemoryMb }: Figures): string[] {
  const times = [p50, p99, p999].map((milliseconds) => milliseconds.toFixed(2));
  return [rate.toFixed(0), ...times, cpu.toFixed(3), databaseCpu?.toFixed(3) ?? '', peakMemoryMb.toFixed(0)];
}

function renderTable(head: string[], rows: string[][], leftColumns: number): string {
  const colAligns = head.map((_, column) => (column < leftColumns ? 'left' : 'right'));
  const table = new Table({ head, colAligns, style: { head: [], border: [], compact: true } });
  table.push(...rows);
  return table.toString();
}
