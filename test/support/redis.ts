import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';
import { until } from './until.js';

/** Without `redis-server` the tests of Redis are skipped, except in CI. */
export const hasNoRedis = Boolean(spawnSync('redis-server', ['--version']).error) && !process.env.CI;

/** A Redis of the test's own, which the test can kill and start again. Needs `redis-server`. */
export class RedisServer {
  private child?: ChildProcess;

  private constructor(readonly port: number) {}

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts the server after {@link kill}, and waits until it accepts connections. */
  async restart(): Promise<void> {
    const options = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', options, { stdio: 'ignore' });
    let failure: Error | undefined;
    child.once('error', (error) => (failure = error));
    child.once('exit', (code) => (failure = new Error(`redis-server ended with ${code}`)));
    this.child = child;
    await until('Redis to accept connections', async () => {
      if (failure) throw failure;
      return this.run((redis) => redis.ping()).catch(() => undefined);
    });
  }

  /** Publishes a message to all channels of Parley. */
  async publish(message: string): Promise<void> {
    await this.run(async (redis) => {
      const channels = (await redis.pubsub('CHANNELS', 'parley:*')) as string[];
      for (const channel of channels) await redis.publish(channel, message);
    });
  }

  /** Returns what is published on the channels of Parley while `work` runs. */
  record(work: () => Promise<void>): Promise<string[]> {
    return this.run(async (redis) => {
      const messages: string[] = [];
      redis.on('pmessage', (_pattern, _channel, message) => messages.push(message));
      await redis.psubscribe('parley:*');
      await work();
      return messages;
    });
  }

  /** Returns how many instances listen. */
  subscribers(): Promise<number> {
    return this.run(async (redis) => {
      const channels = (await redis.pubsub('CHANNELS', 'parley:*')) as string[];
      const counts = (await redis.pubsub('NUMSUB', ...channels)) as (string | number)[];
      return counts.reduce<number>((sum, count) => sum + (typeof count === 'number' ? count : 0), 0);
    });
  }

  async run<Result>(work: (redis: Redis) => Promise<Result>): Promise<Result> {
    const redis = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null });
    redis.on('error', () => {});
    try {
      await redis.connect();
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  async kill(): Promise<void> {
    if (!this.child || this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }
}
