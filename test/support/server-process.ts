import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { Parley } from './parley.js';
import type { TestDatabase } from './server.js';
import { until } from './until.js';

const MAIN = join(import.meta.dirname, '../../dist/src/main.js');

/** Migrations of a cluster, and a start under load, take long. */
const START_TIMEOUT_MS = 60_000;

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The server as an operator runs it: a process that is configured by its environment. */
export class ServerProcess {
  /** The output so far. */
  stdout = '';
  stderr = '';
  readonly exited: Promise<Exit>;

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  /** Starts the server on a free port, without waiting for it. */
  static spawn({ url, dataDir }: TestDatabase, env: Record<string, string> = {}, main = MAIN): ServerProcess {
    const child = spawn(process.execPath, ['--enable-source-maps', main], {
      cwd: dataDir,
      env: {
        PATH: process.env.PATH,
        PORT: '0',
        DATA_DIR: join(dataDir, 'data'),
        DATABASE_URL: url,
        RATE_LIMITS: 'off',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new ServerProcess(child);
  }

  /** Starts the server, of the build whose `main.js` is given, and waits until it listens. */
  static async start(
    database: TestDatabase,
    env: Record<string, string> = {},
    main?: string,
  ): Promise<ServerProcess> {
    const server = ServerProcess.spawn(database, env, main);
    let exit: Exit | undefined;
    void server.exited.then((result) => (exit = result));
    const isListening = () => {
      if (exit) throw new Error(`the server ended with ${exit.code ?? exit.signal}: ${server.stderr}`);
      return /listens on http.*\n(?:.*\n){3}/.test(server.stdout) || undefined;
    };
    await until('the server to listen', isListening, START_TIMEOUT_MS).catch(async (error: unknown) => {
      await server.end('SIGKILL');
      throw error;
    });
    return server;
  }

  /** The URL that the server printed. */
  get url(): string {
    const [, url] = /listens on (\S+)/.exec(this.stdout) ?? [];
    if (!url) throw new Error('the server does not listen');
    return url;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  parley(): Promise<Parley> {
    return Parley.at(this.url);
  }

  get output(): string {
    return this.stdout + this.stderr;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Sends the signal and waits for the exit. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.signal(signal);
    if (signal !== 'SIGKILL') await this.useKeptConnections();
    return this.exited;
  }

  /** A server that stops waits for the connections that `fetch` keeps, each of which closes with its next answer. */
  private async useKeptConnections(): Promise<void> {
    let hasExited = false;
    void this.exited.then(() => (hasExited = true));
    // Another server may get the port.
    const isThere = () => !hasExited && /listens on/.test(this.stdout);
    while (isThere()) {
      const answer = await fetch(`${this.url}/api/health/live`).catch(() => undefined);
      if (!answer) return;
      await answer.text();
    }
  }
}
