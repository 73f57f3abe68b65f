import { parseArgs } from 'node:util';

export interface Options {
  /** Run only workloads whose names begin with one of these; all of them if the list is empty. */
  only: string[];
  rounds: number;
  profile: boolean;
  /** On the second database, run only sends. */
  quick: boolean;
  /** How long a server is measured before the next one takes its turn. */
  sliceMs: number;
  warmUpMs: number;
  longestChat: number;
  manyChats: number;
  users: number;
}

const QUICK = { sliceMs: 200, warmUpMs: 300, longestChat: 20_000, manyChats: 100, users: 5_000 };
const FULL = { sliceMs: 350, warmUpMs: 600, longestChat: 1_000_000, manyChats: 1_000, users: 100_000 };

export function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      profile: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 4));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number from 1 up');
  return { ...values, rounds, ...(values.quick ? QUICK : FULL) };
}
