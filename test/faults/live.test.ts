import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Ending, type Follow, followSocket, followSse, type LiveClient } from '../support/live.js';
import { createDatabase, DATABASE_KINDS } from '../support/mariadb.js';
import { Mirror } from '../support/mirror.js';
import type { Member, Parley } from '../support/parley.js';
import { ServerProcess } from '../support/server-process.js';
import { Writers } from '../support/writers.js';

const ROUNDS = 3;
const WRITERS = 8;

/** Calls that are acknowledged between two restarts. */
const CALLS = 150;

/** Of each user, over each transport. With the mirror they stay below the limit of streams. */
const WITNESSES = 5;

const RETRY_MS = 100;

/** Requests are cut after 8 s. */
const MAX_STOP_MS = 10_000;

/** A client that always comes back. */
class LoyalClient {
  readonly mirror: Mirror;
  private isStopped = false;
  private readonly running: Promise<void>;

  constructor(member: Member, follow: Follow) {
    this.mirror = new Mirror(member, follow, true);
    this.running = this.run();
    // The failure is reported by stop.
    this.running.catch(() => {});
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      try {
        await this.mirror.connect();
        await this.mirror.catchUp();
      } catch (error) {
        if (!isOutage(error)) throw error;
        await this.mirror.disconnect();
      }
      await sleep(this.mirror.isConnected ? 10 : RETRY_MS);
    }
  }
}

/** Tells whether the server has gone, or is about to go. */
const isOutage = (error: unknown) =>
  /^fetch failed$|^503 |ECONN|socket hang up/.test((error as Error).message);

async function followAll(members: Member[], parley: Parley): Promise<LiveClient[]> {
  const follows = Array.from({ length: WITNESSES }, () => [followSse, followSocket]).flat();
  return Promise.all(members.flatMap(({ token }) => follows.map((follow) => follow({ parley, token }))));
}

const hasBeenTold = (ending: Ending) => ending?.code === 'restart' || ending?.code === 1012;

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  test('clients that resume after SIGTERM and kill -9 know what the server knows', async () => {
    const database = await createDatabase(kind);
    let server = await ServerProcess.start(database);
    onTestFinished(async () => {
      await server.end('SIGKILL');
      await database.drop();
    });
    const parley = await server.parley();
    const members = await Promise.all(['alex', 'sam'].map((name) => parley.signUp(name)));
    const [alex, sam] = members;
    const chat = await alex.createChat([sam]);
    const clients = members.flatMap((member) =>
      [followSse, followSocket].map((follow) => new LoyalClient(member, follow)),
    );
    const writers = new Writers(alex, chat, WRITERS);

    const restart = async () => {
      server = await ServerProcess.start(database);
      writers.parley = await server.parley();
      for (const { mirror } of clients) mirror.parley = writers.parley;
    };
    let slowestMs = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      await writers.advance(CALLS);
      await server.end('SIGKILL');
      await restart();
      await writers.advance(CALLS);
      const witnesses = await followAll(members, writers.parley);
      const startedAt = performance.now();
      expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      const endings = await Promise.all(witnesses.map((witness) => witness.waitForEnd()));
      expect(endings.filter((ending) => !hasBeenTold(ending))).toEqual([]);
      await restart();
    }
    await writers.advance(CALLS);
    await writers.stop();
    await writers.expectExactlyAcknowledged();
    for (const client of clients) {
      await client.mirror.expectEqual(15_000);
      await client.stop();
      await client.mirror.disconnect();
    }
    console.log(`${kind}: stopped within ${Math.round(slowestMs)} ms`);
    expect(slowestMs).toBeLessThan(MAX_STOP_MS);
  });
});
