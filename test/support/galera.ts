import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { freePort } from './free-port.js';
import { createTestDatabase, type TestDatabase } from './server.js';
import { until } from './until.js';

const PROVIDER = '/usr/lib/galera/libgalera_smm.so';

/** Galera's scripts cannot transfer state between servers that run as root. */
const USER = 'mysql';

const SIZE = 3;

function run(command: string, ...args: string[]): void {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
}

/** A MariaDB that is a member of a {@link GaleraCluster}. */
class Node {
  private child?: ChildProcess;

  constructor(
    readonly folder: string,
    readonly port: number,
    readonly groupPort: number,
    private readonly transferPort: number,
    private readonly statePort: number,
  ) {}

  get address(): string {
    return `127.0.0.1:${this.groupPort}`;
  }

  /** Starts the server. An empty list of members starts a new cluster. */
  start(members: string[], startPosition?: string): void {
    const options = [
      ...this.options(members),
      ...(members.length === 0 ? ['--wsrep-new-cluster'] : []),
      ...(startPosition === undefined ? [] : [`--wsrep-start-position=${startPosition}`]),
    ];
    this.child = spawn('mariadbd', options, { stdio: 'ignore' });
  }

  /** Starts the server after a kill, from the last transaction that its files hold. */
  async restart(members: string[]): Promise<void> {
    const recovery = spawn('mariadbd', [...this.options(members), '--disable-log-error', '--wsrep-recover']);
    let output = '';
    recovery.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    await once(recovery, 'close');
    const [, position] = /Recovered position: (\S+)/.exec(output) ?? [];
    if (!position) throw new Error(`mariadbd does not tell its position: ${output}`);
    this.start(members, position);
  }

  private options(members: string[]): string[] {
    const provider = [
      `base_port=${this.groupPort}`,
      `gmcast.listen_addr=tcp://${this.address}`,
      `ist.recv_addr=127.0.0.1:${this.transferPort}`,
      'gcache.size=32M',
      'pc.recovery=false',
    ];
    return [
      '--no-defaults',
      `--user=${USER}`,
      '--bind-address=127.0.0.1',
      `--port=${this.port}`,
      `--datadir=${join(this.folder, 'data')}`,
      `--socket=${join(this.folder, 'socket')}`,
      `--pid-file=${join(this.folder, 'pid')}`,
      `--log-error=${join(this.folder, 'log.err')}`,
      '--innodb-log-file-size=16M',
      '--innodb-buffer-pool-size=64M',
      '--innodb-autoinc-lock-mode=2',
      '--binlog-format=ROW',
      '--wsrep-on=ON',
      `--wsrep-provider=${PROVIDER}`,
      `--wsrep-provider-options=${provider.join(';')}`,
      `--wsrep-cluster-address=gcomm://${members.join(',')}`,
      '--wsrep-node-address=127.0.0.1',
      '--wsrep-sst-method=rsync',
      `--wsrep-sst-receive-address=127.0.0.1:${this.statePort}`,
    ];
  }

  connect() {
    return createConnection({ host: '127.0.0.1', port: this.port, user: 'root', connectTimeout: 2_000 });
  }

  async execute(sql: string): Promise<RowDataPacket[]> {
    const connection = await this.connect();
    try {
      return (await connection.query<RowDataPacket[]>(sql))[0];
    } finally {
      connection.destroy();
    }
  }

  waitUntilSynced(): Promise<unknown> {
    return until(
      'a node to be synced',
      async () => {
        if (this.child?.exitCode != null) throw new Error(`mariadbd ended with ${this.child.exitCode}`);
        const rows = await this.execute("SHOW STATUS LIKE 'wsrep_local_state_comment'").catch(() => []);
        return rows[0]?.Value === 'Synced' || undefined;
      },
      60_000,
    );
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }
}

/** Three MariaDB servers that are one Galera cluster, on loopback. Needs Debian's `mariadb-server` and `galera-4`. */
export class GaleraCluster {
  private constructor(
    private readonly folder: string,
    readonly nodes: Node[],
  ) {}

  static async start(): Promise<GaleraCluster> {
    if (!existsSync(PROVIDER)) throw new Error('these tests need the package galera-4');
    const folder = mkdtempSync(join(tmpdir(), 'parley-galera-'));
    const nodes: Node[] = [];
    for (let n = 0; n < SIZE; n += 1) {
      const [port, groupPort, transferPort, statePort] = [
        await freePort(),
        await freePort(),
        await freePort(),
        await freePort(),
      ];
      nodes.push(new Node(join(folder, `node${n}`), port, groupPort, transferPort, statePort));
    }
    const cluster = new GaleraCluster(folder, nodes);
    await cluster.install();
    await cluster.form();
    return cluster;
  }

  /** The nodes get copies of one folder, so that a joiner needs no transfer of the whole state. */
  private async install(): Promise<void> {
    const [first, ...others] = this.nodes;
    const data = join(first.folder, 'data');
    const install = ['--no-defaults', `--datadir=${data}`, `--user=${USER}`, '--skip-test-db'];
    chmodSync(this.folder, 0o755);
    mkdirSync(first.folder);
    run('chown', USER, first.folder);
    run(
      'mariadb-install-db',
      ...install,
      '--auth-root-authentication-method=normal',
      '--innodb-log-file-size=16M',
    );
    first.start([]);
    await first.waitUntilSynced();
    await first.stop('SIGTERM');
    for (const { folder } of others) run('cp', '-a', first.folder, folder);
  }

  private async form(): Promise<void> {
    const [first, ...others] = this.nodes;
    first.start([]);
    await first.waitUntilSynced();
    for (const node of others) {
      node.start(this.members);
      await node.waitUntilSynced();
    }
  }

  private get members(): string[] {
    return this.nodes.map(({ address }) => address);
  }

  /** Returns the URL of a database. Parley prefers the nodes in the given order. */
  url(order: number[] = [0, 1, 2], name = ''): string {
    return `mysql://root@${order.map((n) => `127.0.0.1:${this.nodes[n].port}`).join(',')}/${name}`;
  }

  async createDatabase(order?: number[]): Promise<TestDatabase> {
    const [first] = order ?? [0];
    const { url, ...database } = await createTestDatabase(this.url([first]));
    return { ...database, url: this.url(order, new URL(url).pathname.slice(1)) };
  }

  /** Waits until a node knows that it has lost the majority. */
  async waitUntilNonPrimary(n: number): Promise<void> {
    await until(
      'the node to lose the quorum',
      async () => {
        const [row] = await this.nodes[n].execute("SHOW STATUS LIKE 'wsrep_cluster_status'");
        return row.Value === 'non-Primary' || undefined;
      },
      60_000,
    );
  }

  async kill(n: number): Promise<void> {
    await this.nodes[n].stop('SIGKILL');
  }

  async revive(n: number): Promise<void> {
    await this.nodes[n].restart(this.members);
    await this.nodes[n].waitUntilSynced();
  }

  /** Lets a node that has lost the majority go on without the others, as an operator would. */
  async bootstrap(n: number): Promise<void> {
    await this.nodes[n].execute("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'");
    await this.nodes[n].waitUntilSynced();
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop('SIGKILL')));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
