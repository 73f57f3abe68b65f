import { connect, type Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { type Connection, createConnection, type RowDataPacket, type SslOptions } from 'mysql2/promise';
import type { MysqlSettings } from '../config/settings.js';
import { DATABASE_DEADLINE_MS } from './driver.js';

type Host = MysqlSettings['hosts'][number];

const CHECK_INTERVAL_MS = 500;
const CHECK_TIMEOUT_MS = 1_500;

/** How long a preferred host must have been healthy before the server moves back to it. */
const MOVE_BACK_MS = 5_000;

/** `wsrep_local_state` of a Galera node that has all transactions of its cluster. */
const SYNCED = '4';

const HEALTH = `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'wsrep_on');
  SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_local_state')`;

/**
 * Returns whether a host takes writes, from its variables and status: a member of a Galera cluster that has a quorum and is
 * synced, the primary of a MySQL Group Replication, whose other members are read-only, or any other server that is not read-only.
 */
export function takesWrites(values: ReadonlyMap<string, string>): boolean {
  // ON, and in newer versions of MariaDB also NO_LOCK and NO_LOCK_NO_ADMIN.
  if (!['OFF', '0'].includes(values.get('read_only') ?? 'OFF')) return false;
  if (!isGaleraNode(values)) return true;
  return values.get('wsrep_ready') === 'ON' && values.get('wsrep_local_state') === SYNCED;
}

function isGaleraNode(values: ReadonlyMap<string, string>): boolean {
  return values.get('wsrep_on') === 'ON';
}

/** Node trusts its own authorities and those of NODE_EXTRA_CA_CERTS. */
const TLS: SslOptions = { rejectUnauthorized: true, verifyIdentity: true };

export function sslOf({ ssl }: MysqlSettings): SslOptions | undefined {
  return ssl ? TLS : undefined;
}

/** Asks one host for its health, on a connection of its own. */
class Candidate {
  /** As of the last answer. */
  isGalera = false;
  private healthySince?: number;
  private hasFailed = false;
  private connection?: Connection;

  constructor(
    readonly host: Host,
    private readonly login: { user: string; password: string; ssl?: SslOptions },
  ) {}

  get isHealthy(): boolean {
    return this.healthySince !== undefined;
  }

  hasBeenHealthyFor(ms: number): boolean {
    return this.healthySince !== undefined && performance.now() - this.healthySince >= ms;
  }

  async check(): Promise<void> {
    try {
      const values = await this.readHealth();
      this.isGalera = isGaleraNode(values);
      this.hasFailed = false;
      if (takesWrites(values)) this.healthySince ??= performance.now();
      else this.healthySince = undefined;
    } catch (error) {
      const isRefused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
      // One check may be late on a busy machine.
      if (isRefused || this.hasFailed) this.healthySince = undefined;
      this.hasFailed = true;
      this.close();
    }
  }

  private async readHealth(): Promise<Map<string, string>> {
    this.connection ??= await this.connect();
    const [results] = await this.connection.query<RowDataPacket[][]>({
      sql: HEALTH,
      timeout: CHECK_TIMEOUT_MS,
    });
    return new Map(results.flat().map((row) => [row.Variable_name as string, String(row.Value)]));
  }

  private async connect(): Promise<Connection> {
    const options = { ...this.host, ...this.login, multipleStatements: true };
    const connection = await createConnection({ ...options, connectTimeout: CHECK_TIMEOUT_MS });
    // The next check reports a lost connection.
    connection.on('error', () => {});
    return connection;
  }

  close(): void {
    this.connection?.destroy();
    this.connection = undefined;
  }
}

/**
 * Chooses the host to which all connections go: the first of DATABASE_URL that takes writes. When it fails, new connections go
 * to the next one; when a preferred host has recovered, back to that one. A single host is not checked.
 */
export class DatabaseHosts {
  /** Called after each move. The new host may not have applied yet what the former one has committed. */
  onMove: () => void = () => {};
  /** Whether the database is a Galera cluster. */
  isGalera = false;
  private readonly logger = new Logger('Database');
  private readonly candidates: Candidate[];
  private readonly sockets = new Map<Socket, Host>();
  private current: Candidate;
  private timer?: NodeJS.Timeout;
  private isClosed = false;

  constructor(settings: MysqlSettings) {
    const { hosts, user, password } = settings;
    this.candidates = hosts.map((host) => new Candidate(host, { user, password, ssl: sslOf(settings) }));
    [this.current] = this.candidates;
  }

  get host(): Host {
    return this.current.host;
  }

  /** Chooses a host. If no host is healthy, the first one stays chosen. */
  async choose(): Promise<void> {
    this.current = (await this.findFirst()) ?? this.current;
  }

  /** Moves when hosts fail and recover. */
  watch(): void {
    if (this.candidates.length > 1) this.checkLater();
    else this.current.close();
  }

  stop(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    for (const candidate of this.candidates) candidate.close();
  }

  /** Checks all hosts. Ignores a node that was started outside of the cluster: its writes would be lost when it joins. */
  private async findFirst(): Promise<Candidate | undefined> {
    await Promise.all(this.candidates.map((candidate) => candidate.check()));
    this.isGalera ||= this.candidates.some(({ isGalera }) => isGalera);
    return this.candidates.find((candidate) => this.isUsable(candidate));
  }

  private isUsable({ isHealthy, isGalera }: Candidate): boolean {
    return isHealthy && isGalera === this.isGalera;
  }

  /** Opens a socket to the current host. */
  connect(): Socket {
    const { host } = this;
    const socket = connect(host.port, host.host);
    socket.setNoDelay(true);
    socket.once('connect', () => socket.setKeepAlive(true));
    socket.once('close', () => this.sockets.delete(socket));
    this.sockets.set(socket, host);
    return socket;
  }

  /** Returns whether a TCP socket, or the TLS socket around one, is connected to the current host. */
  isCurrent(socket: Socket): boolean {
    const { _parent: inner } = socket as { _parent?: Socket | null };
    return this.sockets.get(inner ?? socket) === this.host;
  }

  private checkLater(): void {
    this.timer = setTimeout(() => void this.check(), CHECK_INTERVAL_MS).unref();
  }

  private async check(): Promise<void> {
    const first = await this.findFirst();
    if (this.isClosed) return this.stop();
    const { current } = this;
    if (first && !this.isUsable(current)) {
      this.move(first, `${nameOf(current.host)} does not take writes`);
      this.closeOthers();
    } else if (first && this.isPreferred(first) && first.hasBeenHealthyFor(MOVE_BACK_MS)) {
      this.move(first, 'it has recovered');
      // By then all units of work on the former host have ended.
      setTimeout(() => this.closeOthers(), DATABASE_DEADLINE_MS).unref();
    }
    this.checkLater();
  }

  private isPreferred(candidate: Candidate): boolean {
    return this.candidates.indexOf(candidate) < this.candidates.indexOf(this.current);
  }

  private move(to: Candidate, reason: string): void {
    this.current = to;
    this.logger.warn(`the database is now ${nameOf(to.host)}: ${reason}`);
    this.onMove();
  }

  /** Ends the requests that wait for a host that may never answer. */
  private closeOthers(): void {
    for (const [socket, host] of this.sockets) {
      if (host !== this.host) socket.destroy(new Error('the database has moved to another host'));
    }
  }
}

function nameOf({ host, port }: Host): string {
  return `${host}:${port}`;
}
