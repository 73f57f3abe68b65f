import pidusage from 'pidusage';

/** How often memory is looked at, in milliseconds. */
const EVERY = 100;

/** Milliseconds of processor time that a process has used since it began. */
async function processorTime(pid: number): Promise<number> {
  return (await pidusage(pid)).ctime;
}

/** In bytes. */
export async function residentMemory(pid: number): Promise<number> {
  return (await pidusage(pid)).memory;
}

/** What processes use in one or more spans of time. */
export class Usage {
  /** In milliseconds of processor time. */
  server = 0;
  database = 0;
  /** In bytes, of the server alone. */
  peak = 0;

  constructor(
    private readonly serverPid: number,
    private readonly databasePid: number | undefined,
  ) {}

  /** Counts from now on, until the function that it returns is called. */
  async begin(): Promise<() => Promise<void>> {
    const before = await this.times();
    // A server that has gone is told of by the requests that it does not answer.
    const timer = setInterval(() => void this.look().catch(() => {}), EVERY).unref();
    return async () => {
      clearInterval(timer);
      const after = await this.times();
      this.server += after.server - before.server;
      this.database += after.database - before.database;
      await this.look();
    };
  }

  private async times() {
    const [server, database] = await Promise.all([
      processorTime(this.serverPid),
      this.databasePid === undefined ? 0 : processorTime(this.databasePid),
    ]);
    return { server, database };
  }

  private async look(): Promise<void> {
    this.peak = Math.max(this.peak, await residentMemory(this.serverPid));
  }
}
