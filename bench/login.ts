import { availableParallelism } from 'node:os';
import { createHistogram, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { hash, verify } from '@node-rs/argon2';
import { Settings } from '../src/config/settings.js';
import { Lane, median, type Result, toResult } from './measure.js';
import type { Options } from './options.js';
import { paceReads } from './paced-reads.js';
import type { Progress } from './progress.js';
import type { Site } from './site.js';
import { residentMemory } from './usage.js';
import { oneMessage } from './works.js';

/** What else a load of logins is judged by. */
export interface LoginResult {
  database: string;
  /** Hashes per second that the library does in a process with nothing else to do. */
  bareRate: number;
  /** The median of the rounds' ratios of Parley's logins to those. */
  share: number;
  /** The p99 of another route, in milliseconds: without logins, and during them. */
  quietP99: number;
  busyP99: number;
  /** In MB: the peak during the logins above what the server took before them. */
  memoryRise: number;
}

export const LOGIN_GROUP = 'login';

/** 64 logins at once, in turns with the library alone; and one connection that reads a message now and then. */
export async function measureLogin(
  site: Site,
  options: Options,
  progress: Progress,
): Promise<{ result: Result; login: LoginResult }> {
  const work = site.works.find(({ group }) => group === LOGIN_GROUP);
  if (!work) throw new Error('there are no logins to measure');
  const parley = new Lane(site, work, 'parley');
  const floor = new Lane(site, work, 'floor');
  const [request] = oneMessage(site.world).requestsOf(0);
  const quiet = createHistogram({ figures: 3 });
  const busy = createHistogram({ figures: 3 });
  const bareRates: number[] = [];
  // A login takes long, and few of them fit into a slice.
  const slice = options.slice * 3;
  progress.start(`login on ${site.name}`, 1 + options.rounds * 3);
  const stopQuiet = paceReads(site.parley.url, request, quiet);
  await sleep(slice * options.rounds);
  await stopQuiet();
  progress.step();
  const before = await residentMemory(site.parley.pid);
  for (const lane of [parley, floor]) await lane.warmUp(options.warmUp);
  const turns = [
    async () => void bareRates.push(await bareHashes(slice)),
    () => parley.run(slice, async () => paceReads(site.parley.url, request, busy)),
    () => floor.run(slice),
  ];
  for (let round = 0; round < options.rounds; round += 1) {
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) {
      await turn();
      progress.step();
    }
  }
  progress.stop();
  const result = toResult(parley, floor);
  const login = {
    database: site.name,
    bareRate: median(bareRates),
    share: median(result.parley.rates.map((rate, round) => rate / bareRates[round])),
    quietP99: quiet.percentile(99) / 1000,
    busyP99: busy.percentile(99) / 1000,
    memoryRise: result.parley.peakMemory - before / 1_000_000,
  };
  return { result, login };
}

/** Verifications per second by as many at once as there are processors. */
async function bareHashes(milliseconds: number): Promise<number> {
  const stored = await hash('secret', new Settings().hashing);
  let count = 0;
  const start = performance.now();
  const end = start + milliseconds;
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      while (performance.now() < end) {
        await verify(stored, 'secret');
        count += 1;
      }
    }),
  );
  return count / ((performance.now() - start) / 1000);
}
