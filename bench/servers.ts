import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const PARLEY = join(ROOT, 'dist/src/main.js');
const FLOOR = join(import.meta.dirname, 'floor/main.js');

/** What stands behind `node` in `npm start`, before the file: servers are started as Parley's users start it. */
function startFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  const command = scripts.start.split('&&').at(-1)?.trim().split(' ') ?? [];
  return command.filter((word) => word.startsWith('--'));
}

export interface ServerSettings {
  databaseUrl: string;
  secret: string;
  /** For the data of Parley, the server's log and its profile. */
  folder: string;
  profile: boolean;
}

/** A server under test, in a process of its own. */
export class Server {
  private static readonly children = new Set<ChildProcess>();

  private constructor(
    readonly url: string,
    readonly pid: number,
    private readonly child: ChildProcess,
    private readonly log: string,
  ) {}

  static parley(settings: ServerSettings): Promise<Server> {
    const profiling = settings.profile ? ['--cpu-prof', `--cpu-prof-dir=${settings.folder}`] : [];
    // The default level has no line for a request either: what is logged at this one is worth telling.
    return Server.start('parley', [...profiling, ...startFlags(), PARLEY], settings, {
      RATE_LIMITS: 'off',
      LOG_LEVEL: 'warn',
      DATA_DIR: join(settings.folder, 'data'),
      PORT: '0',
    });
  }

  static floor(settings: ServerSettings): Promise<Server> {
    return Server.start('floor', [...startFlags(), FLOOR], settings, {});
  }

  private static async start(
    name: string,
    args: string[],
    { databaseUrl, secret, folder }: ServerSettings,
    env: Record<string, string>,
  ): Promise<Server> {
    const log = join(folder, `${name}.log`);
    const child = spawn(process.execPath, args, {
      // Away from a `.env` of the developer's.
      cwd: folder,
      env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl, JWT_SECRET: secret, ...env },
      stdio: ['ignore', 'pipe', openSync(log, 'w')],
    });
    Server.children.add(child);
    let output = '';
    for await (const chunk of child.stdout ?? []) {
      output += String(chunk);
      const [, url] = / listens on (\S+)\n/.exec(output) ?? [];
      if (url && child.pid !== undefined) {
        child.stdout?.resume();
        return new Server(url, child.pid, child, log);
      }
    }
    throw new Error(`${name} did not start:\n${readFileSync(log, 'utf8')}`);
  }

  /** What it has logged: nothing, when all goes well. */
  get logged(): string {
    return readFileSync(this.log, 'utf8');
  }

  stop(): Promise<void> {
    return end(this.child);
  }

  /** Stops those that still run, whether or not they have come up. */
  static async stopAll(): Promise<void> {
    await Promise.all([...Server.children].map(end));
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
