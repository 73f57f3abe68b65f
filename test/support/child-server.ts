import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Parley } from './parley.js';
import { memoryOf } from './process-stats.js';
import type { TestDatabase } from './server.js';

/** A server in its own process, which a test can kill and measure. */
export class ChildServer {
  private constructor(
    readonly url: string,
    readonly parley: Parley,
    private readonly child: ChildProcess,
  ) {}

  /** `prelude` is a shell command that runs before the server. */
  static async start(
    { url, dataDir }: TestDatabase,
    env: Record<string, string> = {},
    prelude = 'true',
  ): Promise<ChildServer> {
    const child = spawn('bash', ['-c', `${prelude} && exec node dist/src/main.js`], {
      env: {
        ...process.env,
        DATABASE_URL: url,
        DATA_DIR: dataDir,
        PORT: '0',
        LOG_LEVEL: 'error',
        RATE_LIMITS: 'off',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const address = await listening(child);
    return new ChildServer(address, await Parley.at(address), child);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
  }

  /** Returns the memory in MiB: the current (VmRSS), or the peak since {@link resetPeak} (VmHWM). */
  memory(field: 'VmRSS' | 'VmHWM'): number {
    return memoryOf(this.child.pid ?? 0, field);
  }

  resetPeak(): void {
    writeFileSync(`/proc/${this.child.pid}/clear_refs`, '5');
  }
}

async function listening(child: ChildProcess): Promise<string> {
  let output = '';
  for await (const chunk of child.stdout ?? []) {
    output += String(chunk);
    const address = /^Parley listens on (\S+)$/m.exec(output)?.[1];
    if (address) return address;
  }
  throw new Error('the server did not start');
}
