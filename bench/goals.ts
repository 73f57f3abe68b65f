import type { LoginResult } from './login.js';
import type { Result } from './measure.js';
import { align } from './report.js';

/** A line of the goals' table, with what this run says to it. */
export interface Verdict {
  goal: string;
  measured: string;
  met: boolean;
}

/** What was measured on one database. */
interface Findings {
  database: string;
  results: Result[];
  find: (work: string) => Result | undefined;
}

/** The goals for which this run has figures: on the first database, the server where there is one, unless said otherwise. */
export function judge(results: Result[], logins: LoginResult[]): Verdict[] {
  const databases = [...new Set(results.map(({ database }) => database))];
  const [main, embedded] = databases.map((database): Findings => {
    const own = results.filter((result) => result.database === database);
    return { database, results: own, find: (work) => own.find((result) => result.work.startsWith(work)) };
  });
  return [
    ...againstFloor(main),
    ...amongThemselves(main),
    ...ofSearch(main),
    ...(embedded ? onSqlite(embedded, main) : []),
    ...logins.filter(({ database }) => database === main.database).flatMap(ofLogin),
    ...ofMemory(results),
  ];
}

/** What a work's requests per second must be, as a multiple of the floor's: works by the beginning of their names. */
const MULTIPLES: [work: string, multiple: number][] = [
  ['send, one hot chat', 4],
  ['send over 50 chats', 2.5],
  ['first page of', 1],
  ['last page of', 1],
  ['page by cursor of', 1],
  ['one message', 1],
  ['list 50 chats', 1],
];

export function multipleOf(name: string): number | undefined {
  return MULTIPLES.find(([work]) => name.startsWith(work))?.[1];
}

function againstFloor({ find, results }: Findings): Verdict[] {
  const single = find('send, a single client');
  return [
    ...results.flatMap(({ work, ratio }) => {
      const multiple = multipleOf(work);
      if (multiple === undefined || ratio === null) return [];
      return [{ goal: `${work}: ≥ ${multiple} × the floor`, measured: times(ratio), met: ratio >= multiple }];
    }),
    ...(single?.floor
      ? atMost('send, a single client: ≤ 1.1 × the floor’s p50', single.parley.p50 / single.floor.p50, 1.1)
      : []),
  ];
}

function amongThemselves({ find, results }: Findings): Verdict[] {
  const cursors = results.filter(({ work }) => work.startsWith('page by cursor'));
  const [short, long] = [cursors.at(0), cursors.at(-1)];
  const few = find('list 50 chats');
  const many = find('list 1000 chats');
  return [
    ...(short && long && short !== long
      ? atMost(`${long.work}: ≤ 1.1 × the time of 1000`, short.parley.rate / long.parley.rate, 1.1)
      : []),
    ...(few && many
      ? atMost('list 1000 chats: ≤ 25 × the time of 50', few.parley.rate / many.parley.rate, 25)
      : []),
  ];
}

function ofSearch({ results }: Findings): Verdict[] {
  return results
    .filter(({ work }) => work.startsWith('search'))
    .map(({ work, parley: { p99 } }) => ({
      goal: `${work}: p99 ≤ 10 ms, the best match first`,
      measured: `${p99.toFixed(2)} ms, it is`,
      met: p99 <= 10,
    }));
}

function onSqlite(embedded: Findings, main: Findings): Verdict[] {
  return ['send, one hot chat', 'send over 50 chats'].flatMap((work) => {
    const [here, there] = [embedded.find(work), main.find(work)];
    if (!here || !there) return [];
    const ratio = here.parley.rate / there.parley.rate;
    const goal = `${work}: on ${embedded.database} ≥ 1.5 × those on ${main.database}`;
    return [{ goal, measured: times(ratio), met: ratio >= 1.5 }];
  });
}

function ofLogin({ bareRate, share, quietP99, busyP99, memoryRise }: LoginResult): Verdict[] {
  return [
    {
      goal: 'login: ≥ 90 % of the hashes that the library does bare',
      measured: `${(share * 100).toFixed(0)} % of ${bareRate.toFixed(1)}/s`,
      met: share >= 0.9,
    },
    {
      goal: 'login: another route’s p99 < 3 × its quiet value',
      measured: `${times(busyP99 / quietP99)} (${busyP99.toFixed(1)} ms, ${quietP99.toFixed(1)} ms)`,
      met: busyP99 < 3 * quietP99,
    },
    { goal: 'login: memory + ≤ 150 MB', measured: `+ ${memoryRise.toFixed(0)} MB`, met: memoryRise <= 150 },
  ];
}

function ofMemory(results: Result[]): Verdict[] {
  const others = results.filter(({ work }) => work !== 'login');
  if (others.length === 0) return [];
  const most = others.reduce((a, b) => (a.parley.peakMemory > b.parley.peakMemory ? a : b));
  const { peakMemory } = most.parley;
  return [
    {
      goal: 'memory: ≤ 200 MB but for login',
      measured: `${peakMemory.toFixed(0)} MB (${most.work}, ${most.database})`,
      met: peakMemory <= 200,
    },
  ];
}

function atMost(goal: string, ratio: number, most: number): Verdict[] {
  return [{ goal, measured: times(ratio), met: ratio <= most }];
}

const times = (ratio: number) => `${ratio.toFixed(2)} ×`;

export function goalsTable(verdicts: Verdict[]): string {
  const rows = verdicts.map(({ goal, measured, met }) => [goal, measured, met ? 'met' : 'MISSED']);
  return align([['goal', 'measured', ''], ...rows], 3);
}
