import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, createConnection } from 'mysql2/promise';
import { DATABASE_CERTIFICATE } from './certificate.js';
import { freePort } from './free-port.js';
import { createTestDatabase, type TestDatabase } from './server.js';
import { until } from './until.js';

/**
 * A MariaDB of the test's own, which the test can kill, freeze and start again. Clients may use TLS with DATABASE_CERTIFICATE. Needs
 * `mariadbd`.
 */
export class MariaDb {
  private child?: ChildProcess;

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<MariaDb> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-mariadb-'));
    const options = ['--no-defaults', `--datadir=${join(folder, 'data')}`, '--user=root', '--skip-test-db'];
    const install = [...options, '--auth-root-authentication-method=normal', '--innodb-log-file-size=16M'];
    const { status, error, stderr } = spawnSync('mariadb-install-db', install, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`MariaDB cannot be installed: ${error?.message ?? stderr}`);
    for (const [name, text] of Object.entries(DATABASE_CERTIFICATE)) writeFileSync(join(folder, name), text);
    const mariadb = new MariaDb(folder, await freePort());
    await mariadb.restart();
    return mariadb;
  }

  get url(): string {
    return `mysql://root@127.0.0.1:${this.port}/`;
  }

  /** Creates a database that ends this server when it is dropped, even if the server hangs. */
  async createDatabase(): Promise<TestDatabase> {
    const { url, dataDir } = await createTestDatabase(this.url);
    const drop = async () => {
      await this.close();
      rmSync(dataDir, { recursive: true, force: true });
    };
    return { url, dataDir, drop };
  }

  connect(): Promise<Connection> {
    return createConnection({ uri: this.url });
  }

  /** Starts the server after {@link kill}, and waits until it accepts connections. */
  async restart(): Promise<void> {
    const files = ['data', 'socket', 'pid'].map((name) => join(this.folder, name));
    const [data, socket, pid] = files;
    const options = [
      '--no-defaults',
      '--user=root',
      '--bind-address=127.0.0.1',
      `--port=${this.port}`,
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--pid-file=${pid}`,
      `--ssl-cert=${join(this.folder, 'cert')}`,
      `--ssl-key=${join(this.folder, 'key')}`,
      '--innodb-log-file-size=16M',
      '--innodb-buffer-pool-size=64M',
    ];
    const child = spawn('mariadbd', options, { stdio: 'ignore' });
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    child.once('exit', (code) => (failure = new Error(`mariadbd ended with ${code}`)));
    this.child = child;
    await until('MariaDB to accept connections', async () => {
      if (failure) throw failure;
      const connection = await this.connect().catch(() => undefined);
      await connection?.end();
      return connection && true;
    });
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child?.kill(signal);
  }

  async kill(): Promise<void> {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const DATABASE_KINDS = ['SQLite', 'MariaDB'] as const;

/** Creates a database, on a MariaDB of its own if it is not SQLite's. */
export async function createDatabase(kind: (typeof DATABASE_KINDS)[number]): Promise<TestDatabase> {
  return kind === 'SQLite' ? createTestDatabase('') : (await MariaDb.start()).createDatabase();
}
