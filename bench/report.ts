import type { Figures, Result } from './measure.js';

const HEADINGS = [
  'work',
  'server',
  'req/s',
  'p50 ms',
  'p99 ms',
  'p99.9 ms',
  'CPU ms',
  'db CPU ms',
  'peak MB',
  'ratio',
];

/** The results as a table of text. */
export function table(results: Result[]): string {
  const databases = [...new Set(results.map(({ database }) => database))];
  return databases
    .map((database) => {
      const rows = results.filter((result) => result.database === database).flatMap(rowsOf);
      return `${database}\n\n${align([HEADINGS, ...rows])}\n`;
    })
    .join('\n');
}

function rowsOf({ work, parley, floor, ratio }: Result): string[][] {
  const first = [work, 'Parley', ...cells(parley), ratio === null ? '' : ratio.toFixed(2)];
  return floor ? [first, ['', 'floor', ...cells(floor), '']] : [first];
}

function cells({ rate, p50, p99, p999, cpu, databaseCpu, peakMemory }: Figures): string[] {
  return [
    rate.toFixed(0),
    ...[p50, p99, p999].map((milliseconds) => milliseconds.toFixed(2)),
    cpu.toFixed(3),
    databaseCpu === null ? '' : databaseCpu.toFixed(3),
    peakMemory.toFixed(0),
  ];
}

/** Words to the left, numbers to the right. */
export function align(rows: string[][], words = 2): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column < words ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
