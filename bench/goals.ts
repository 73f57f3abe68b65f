import { makeLiveGoals } from './live.js';
import type { LiveFigures } from './live-figures.js';
import type { Result } from './measure.js';

/** `value` is NaN if this run has not measured it. */
export interface Goal {
  goal: string;
  value: number;
  unit?: string;
  min?: number;
  max?: number;
}

/** Parley's rate divided by the floor's, for workloads whose names contain the text. */
const RATIO_GOALS: [text: string, min: number][] = [
  ['send, one hot chat', 4],
  ['send over 50 chats', 2.5],
  ['send, a single client', 0.65],
  ['page', 1.1],
  ['one message', 2],
  ['list 50 chats', 1.2],
];

/** Judges the goals that this run has figures for, on the first database unless a goal names another. */
export function judge(results: Result[], live: LiveFigures[]) {
  const [main, second] = [...new Set(results.map(({ database }) => database))];
  const findAll = (text: string, database = main) =>
    results.filter((result) => result.database === database && result.workload.includes(text));
  const rateOf = (text: string, database = main) => findAll(text, database)[0]?.parley.rate ?? NaN;
  const [cursorOf1000, , cursorOfLongest] = findAll('page by cursor').map(({ parley }) => parley.rate);
  const cursorSlowdown = cursorOf1000 / cursorOfLongest;
  const listSlowdown = rateOf('list 50 chats') / rateOf('list 1000 chats');
  const others = results.filter(({ login }) => !login);
  const peakMemory = Math.max(...others.map(({ parley }) => parley.peakMemoryMb));
  const login = findAll('login')[0]?.login;
  const goals: Goal[] = [
    ...RATIO_GOALS.flatMap(([text, min]) =>
      findAll(text).map(({ workload, ratio = NaN }) => {
        return { goal: `${workload}: ≥ ${min} × the floor`, value: ratio, min };
      }),
    ),
    { goal: 'page by cursor of the longest chat: ≤ 1.1 × the time of 1000', value: cursorSlowdown, max: 1.1 },
    { goal: 'list 1000 chats: ≤ 25 × the time of 50', value: listSlowdown, max: 25 },
    ...findAll('search').map(({ workload, parley }) => {
      const goal = `${workload}: p99 ≤ 10 ms, the best match comes first`;
      return { goal, value: parley.p99, unit: 'ms', max: 10 };
    }),
    ...['send, one hot chat', 'send over 50 chats'].map((name) => {
      const value = second ? rateOf(name, second) / rateOf(name) : NaN;
      return { goal: `${name}: on ${second} ≥ 1.5 × the rate on ${main}`, value, min: 1.5 };
    }),
    { goal: 'memory of the whole run except login: ≤ 218 MB', value: peakMemory, unit: 'MB', max: 218 },
  ];
  if (login) {
    const { share, quietP99, busyP99, memoryRiseMb } = login;
    goals.push(
      { goal: 'login: ≥ 90 % of what the bare library does', value: share * 100, unit: '%', min: 90 },
      { goal: 'login: another route’s p99 ≤ 3 × its quiet value', value: busyP99 / quietP99, max: 3 },
      { goal: 'login: memory rises by ≤ 150 MB', value: memoryRiseMb, unit: 'MB', max: 150 },
    );
  }
  return [...goals, ...makeLiveGoals(live)]
    .filter(({ value }) => Number.isFinite(value))
    .map(({ goal, value, unit = '×', min = -Infinity, max = Infinity }) => {
      return { goal, measured: `${value.toFixed(2)} ${unit}`, isMet: value >= min && value <= max };
    });
}
