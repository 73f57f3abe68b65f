import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { verify } from '@node-rs/argon2';
import pidusage from 'pidusage';
import { connect } from './databases.js';
import { createLatencies, paceReads } from './load.js';
import { Contender, median, type Result, takeTurns } from './measure.js';
import type { Options } from './options.js';
import type { Testbed } from './testbed.js';
import { makeOneMessage, type Workload } from './workloads.js';

/** Measures logins and the bare library in turns, while another route is read at a fixed pace. */
export async function measureLogin(testbed: Testbed, workload: Workload, options: Options): Promise<Result> {
  const { database, parley, seed } = testbed;
  const contender = new Contender(workload, parley, database.pid);
  const [reading] = await makeOneMessage(seed).requestsOf(0, parley.url);
  const [quiet, busy] = [createLatencies(), createLatencies()];
  // Few logins fit into a normal slice.
  const sliceMs = options.sliceMs * 3;
  const stopReading = paceReads(parley.url, reading, quiet);
  await sleep(sliceMs * options.rounds);
  await stopReading();

  const { memory: memoryBefore } = await pidusage(parley.pid);
  const [{ username, password }] = seed.speakers;
  const sql = 'SELECT password_hash AS hash FROM users WHERE username = ?';
  const [{ hash }] = await connect(database.url, (source) =>
    source.query<{ hash: string }[]>(sql, [username]),
  );
  const bareRates: number[] = [];
  await contender.warmUp(options.warmUpMs);
  const turns = [
    async () => void bareRates.push(await measureBareHashing(hash, password, sliceMs)),
    () => contender.run(sliceMs, () => paceReads(parley.url, reading, busy)),
  ];
  await takeTurns(workload.name, turns, options.rounds);
  const figures = contender.getFigures();
  const login = {
    bareRate: median(bareRates),
    share: median(figures.rates.map((rate, round) => rate / bareRates[round])),
    quietP99: quiet.percentile(99) / 1000,
    busyP99: busy.percentile(99) / 1000,
    memoryRiseMb: figures.peakMemoryMb - memoryBefore / 1_000_000,
  };
  return { database: database.name, workload: workload.name, parley: figures, login };
}

/** Returns how many passwords per second all processors verify together. */
async function measureBareHashing(hash: string, password: string, milliseconds: number): Promise<number> {
  let count = 0;
  const start = performance.now();
  const verifyInLoop = async () => {
    while (performance.now() < start + milliseconds) {
      if (!(await verify(hash, password))) throw new Error('the seeded password is wrong');
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, verifyInLoop));
  return count / ((performance.now() - start) / 1000);
}
