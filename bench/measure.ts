import type { RecordableHistogram } from 'node:perf_hooks';
import { drive, driveOnce, type Load, type Meter, newLatencies, type Slice } from './load.js';
import type { Options } from './options.js';
import type { Progress } from './progress.js';
import { CONNECTIONS } from './seed.js';
import type { Site } from './site.js';
import { Usage } from './usage.js';
import { toRequest, type Work } from './works.js';

/** One server's figures in one work. */
export interface Figures {
  /** Requests per second in each round. */
  rates: number[];
  /** The median of those. */
  rate: number;
  /** In milliseconds, over all rounds. */
  p50: number;
  p99: number;
  p999: number;
  /** Milliseconds of processor time per request: the server's, and the database server's where it is known. */
  cpu: number;
  databaseCpu: number | null;
  /** In MB, sampled. */
  peakMemory: number;
}

export interface Result {
  database: string;
  work: string;
  connections: number;
  parley: Figures;
  floor: Figures | null;
  /** The median of the rounds' ratios of requests per second. */
  ratio: number | null;
}

/** A server at a work: takes its turn in each round. */
export class Lane {
  private readonly load: Load;
  private readonly latencies: RecordableHistogram = newLatencies();
  private readonly usage: Usage;
  private readonly rates: number[] = [];
  private requests = 0;

  constructor(
    readonly site: Site,
    readonly work: Work,
    readonly contender: 'parley' | 'floor',
  ) {
    const { url, pid } = site[contender];
    const { connections } = work;
    this.load = { url, connections, requestsOf: (index) => work.requestsOf(index).map(toRequest) };
    this.usage = new Usage(pid, site.database.pid);
  }

  /** Few connections take longer to bring the server to the speed that it keeps: one takes 8 times as long as 64. */
  async warmUp(milliseconds: number): Promise<void> {
    if (this.work.prepare) return;
    await drive(this.load, milliseconds * Math.sqrt(CONNECTIONS / this.work.connections));
  }

  /** One turn; `alongside` begins when the counting does, and ends with it. */
  async run(milliseconds: number, alongside?: Meter): Promise<void> {
    const { requests, seconds } = await this.slice(milliseconds, alongside);
    this.requests += requests;
    this.rates.push(requests / seconds);
  }

  private async slice(milliseconds: number, alongside?: Meter): Promise<Slice> {
    const meter = async () => {
      const ends = [await this.usage.begin(), await alongside?.()];
      return async () => {
        for (const end of ends) await end?.();
      };
    };
    if (!this.work.prepare) return drive(this.load, milliseconds, this.latencies, meter);
    await this.work.prepare(this.load.url);
    return driveOnce(this.load, this.latencies, meter);
  }

  figures(): Figures {
    const percentile = (percent: number) => this.latencies.percentile(percent) / 1000;
    return {
      rates: this.rates,
      rate: median(this.rates),
      p50: percentile(50),
      p99: percentile(99),
      p999: percentile(99.9),
      cpu: this.usage.server / this.requests,
      databaseCpu: this.site.database.pid === undefined ? null : this.usage.database / this.requests,
      peakMemory: this.usage.peak / 1_000_000,
    };
  }
}

/** Measures the works of a group in turns: all servers at all works, and then again in reverse. */
export async function measureGroup(
  sites: Site[],
  group: string,
  options: Options,
  progress: Progress,
): Promise<Result[]> {
  const lanes = sites.flatMap((site) =>
    site.works
      .filter((work) => work.group === group)
      .flatMap((work) => [
        new Lane(site, work, 'parley'),
        ...(work.floor ? [new Lane(site, work, 'floor')] : []),
      ]),
  );
  progress.start(group, lanes.length * (options.rounds + 1));
  for (const lane of lanes) {
    await lane.warmUp(options.warmUp);
    progress.step();
  }
  for (let round = 0; round < options.rounds; round += 1) {
    for (const lane of round % 2 === 0 ? lanes : lanes.toReversed()) {
      await lane.run(options.slice);
      progress.step();
    }
  }
  progress.stop();
  return lanes
    .filter(({ contender }) => contender === 'parley')
    .map((lane) =>
      toResult(
        lane,
        lanes.find(
          ({ site, work, contender }) => site === lane.site && work === lane.work && contender === 'floor',
        ),
      ),
    );
}

export function toResult(lane: Lane, other: Lane | undefined): Result {
  const { site, work } = lane;
  const parley = lane.figures();
  const floor = other?.figures() ?? null;
  const ratio = floor && median(parley.rates.map((rate, round) => rate / floor.rates[round]));
  return { database: site.name, work: work.name, connections: work.connections, parley, floor, ratio };
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
}
