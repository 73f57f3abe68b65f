import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { until } from './until.js';

const CONFIGURATION = join(import.meta.dirname, '../../deploy/nginx.conf');

/** nginx with `deploy/nginx.conf`, of which only ports and the folder of the logs differ. */
export class Nginx {
  private constructor(
    private readonly folder: string,
    private readonly port: number,
    private readonly child: ChildProcess,
  ) {}

  static async start(instancePorts: [number, number]): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-nginx-'));
    const port = await freePort();
    const configuration = readFileSync(CONFIGURATION, 'utf8')
      .replaceAll('/var/log/nginx', folder)
      .replace(/parley-([12]):3000/g, (_, number) => `127.0.0.1:${instancePorts[Number(number) - 1]}`)
      .replace(/^ {4}listen 80 default_server;/m, `listen 127.0.0.1:${port};`);
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, configuration);
    const options = ['-p', folder, '-e', join(folder, 'error.log'), '-c', file];
    const child = spawn('nginx', [...options, '-g', `daemon off; pid ${join(folder, 'pid')};`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let failure: string | undefined;
    child.once('error', (error) => (failure = error.message));
    child.stderr.on('data', (text: Buffer) => (failure = `${failure ?? ''}${text.toString()}`));
    const nginx = new Nginx(folder, port, child);
    await until('nginx to listen', async () => {
      if (failure) throw new Error(`nginx does not start: ${failure}`);
      const answer = await fetch(`${nginx.url}/api/health/live`).catch(() => undefined);
      return answer && true;
    });
    return nginx;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  log(name: 'access' | 'error'): string {
    return readFileSync(join(this.folder, `${name}.log`), 'utf8');
  }

  async stop(): Promise<void> {
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
