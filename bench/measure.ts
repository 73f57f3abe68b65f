import { Presets, SingleBar } from 'cli-progress';
import pidusage from 'pidusage';
import { createLatencies, Load } from './load.js';
import type { Options } from './options.js';
import { CONNECTIONS } from './seed.js';
import type { Server } from './servers.js';
import type { Testbed } from './testbed.js';
import type { Workload } from './workloads.js';

type Turn = () => Promise<void>;

const SAMPLE_INTERVAL_MS = 100;

export interface Figures {
  /** Requests per second in each round; `rate` is their median. */
  rates: number[];
  rate: number;
  /** Milliseconds, over all rounds. */
  p50: number;
  p99: number;
  p999: number;
  /** Milliseconds of processor time per request: of the server, and of the database server if it is local. */
  cpu: number;
  databaseCpu?: number;
  peakMemoryMb: number;
}

export interface Result {
  database: string;
  workload: string;
  parley: Figures;
  floor?: Figures;
  /** Parley's rate divided by the floor's: the median of all rounds. */
  ratio?: number;
  login?: {
    /** Passwords per second that the library verifies in a process that does nothing else. */
    bareRate: number;
    /** Logins per second divided by `bareRate`: the median of all rounds. */
    share: number;
    /** The p99 of another route in milliseconds, without logins and during logins. */
    quietP99: number;
    busyP99: number;
    /** How far the peak during the logins exceeds the memory before them. */
    memoryRiseMb: number;
  };
}

/** One server in one workload. */
export class Contender {
  private readonly latencies = createLatencies();
  private readonly rates: number[] = [];
  private readonly pids: number[];
  private readonly cpuMs = [0, 0];
  private requests = 0;
  private peakBytes = 0;

  constructor(
    private readonly workload: Workload,
    private readonly server: Server,
    databasePid: number | undefined,
  ) {
    this.pids = [server.pid, ...(databasePid ? [databasePid] : [])];
  }

  async warmUp(milliseconds: number): Promise<void> {
    const load = await this.startLoad();
    // Few connections take longer to bring the server to full speed.
    await load.count(milliseconds * Math.sqrt(CONNECTIONS / this.workload.connections), createLatencies());
    await load.stop();
  }

  /** Measures one round. `alongside` runs while answers count and returns a function that ends it. */
  async run(milliseconds: number, alongside?: () => () => Promise<void>): Promise<void> {
    const load = await this.startLoad();
    const before = await this.sampleUsage();
    const sampling = setInterval(() => void this.sampleUsage(), SAMPLE_INTERVAL_MS);
    const endAlongside = alongside?.();
    const { requests, seconds } = await load.count(milliseconds, this.latencies);
    clearInterval(sampling);
    const after = await this.sampleUsage();
    await endAlongside?.();
    await load.stop();
    for (const [index, cpuMs] of after.entries()) this.cpuMs[index] += cpuMs - before[index];
    this.requests += requests;
    this.rates.push(requests / seconds);
  }

  getFigures(): Figures {
    const { rates, latencies } = this;
    const [p50, p99, p999] = [50, 99, 99.9].map((percent) => latencies.percentile(percent) / 1000);
    const [cpu, databaseCpu] = this.pids.map((_, index) => this.cpuMs[index] / this.requests);
    const peakMemoryMb = this.peakBytes / 1_000_000;
    return { rates, rate: median(rates), p50, p99, p999, cpu, databaseCpu, peakMemoryMb };
  }

  private async startLoad(): Promise<Load> {
    const { connections, requestsOf } = this.workload;
    const { url } = this.server;
    const requests = Array.from({ length: connections }, async (_, index) => requestsOf(index, url));
    return Load.start(url, await Promise.all(requests));
  }

  /** Returns the processor time that each process has used since it started. */
  private async sampleUsage(): Promise<number[]> {
    const usage = await pidusage(this.pids);
    this.peakBytes = Math.max(this.peakBytes, usage[this.server.pid].memory);
    return this.pids.map((pid) => usage[pid].ctime);
  }
}

/** Measures all workloads of a group on all databases, in turns. */
export async function measureGroup(testbeds: Testbed[], group: string, options: Options): Promise<Result[]> {
  const contests = testbeds.flatMap(({ database, workloads, parley, floor }) =>
    workloads
      .filter((workload) => workload.group === group)
      .map((workload) => ({
        database: database.name,
        workload: workload.name,
        parley: new Contender(workload, parley, database.pid),
        floor: workload.hasFloor ? new Contender(workload, floor, database.pid) : undefined,
      })),
  );
  const contenders = contests.flatMap(({ parley, floor }) => (floor ? [parley, floor] : [parley]));
  const warmUps = contenders.map((contender) => () => contender.warmUp(options.warmUpMs));
  const turns = contenders.map((contender) => () => contender.run(options.sliceMs));
  await takeTurns(group, warmUps, 1);
  await takeTurns(group, turns, options.rounds);
  return contests.map((contest) => {
    const parley = contest.parley.getFigures();
    const floor = contest.floor?.getFigures();
    const ratio = floor && median(parley.rates.map((rate, round) => rate / floor.rates[round]));
    return { ...contest, parley, floor, ratio };
  });
}

export const progress = new SingleBar(
  { format: '{title} {bar} {percentage}%', stream: process.stderr, clearOnComplete: true },
  Presets.shades_classic,
);

/** Runs all turns in each round, in reverse order every second round. */
export async function takeTurns(title: string, turns: Turn[], rounds: number): Promise<void> {
  progress.start(turns.length * rounds, 0, { title: `Measuring ${title}` });
  for (let round = 0; round < rounds; round += 1) {
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) {
      await turn();
      progress.increment();
    }
  }
  progress.stop();
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
}
