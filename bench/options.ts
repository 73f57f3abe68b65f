import { parseArgs } from 'node:util';

export interface Options {
  /** The works to run: those whose name begins with one of these, or all. */
  only: string[];
  rounds: number;
  /** How long each contender is measured at a time, in milliseconds. */
  slice: number;
  /** How long it runs before that, once for each work. */
  warmUp: number;
  /** How much there is to read. */
  scale: Scale;
  profile: boolean;
  /** Where there are two databases, the second one does only what is compared with the first. */
  quick: boolean;
}

export interface Scale {
  /** Messages in the longest chat. */
  history: number;
  /** Chats of one who has many. */
  collection: number;
  /** Users to search among. */
  users: number;
}

export function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      profile: { type: 'boolean', default: false },
    },
  });
  const { quick, only, profile } = values;
  const rounds = Number(values.rounds ?? (quick ? 1 : 4));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a number from 1 on');
  return {
    only,
    quick,
    rounds,
    profile,
    slice: quick ? 200 : 350,
    warmUp: quick ? 0 : 400,
    scale: quick
      ? { history: 20_000, collection: 100, users: 5_000 }
      : { history: 1_000_000, collection: 1_000, users: 100_000 },
  };
}
