import { describe, expect, onTestFinished, test } from 'vitest';
import { createDatabase, DATABASE_KINDS } from '../support/mariadb.js';
import { ServerProcess } from '../support/server-process.js';
import type { TestDatabase } from '../support/server.js';
import { until } from '../support/until.js';
import { Writers } from '../support/writers.js';

const ROUNDS = 10;

/** Returns the server and how long it took to be ready. */
async function startMeasured(database: TestDatabase): Promise<{ server: ServerProcess; ms: number }> {
  const startedAt = performance.now();
  const server = await ServerProcess.start(database);
  await until('the server to be ready', async () => {
    const { status } = await fetch(`${server.url}/api/health/ready`);
    return status === 200 || undefined;
  });
  return { server, ms: performance.now() - startedAt };
}

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  test('kill -9 under 50 writers, ten times, loses and doubles nothing', async () => {
    const database = await createDatabase(kind);
    let server = await ServerProcess.start(database);
    onTestFinished(async () => {
      await server.end('SIGKILL');
      await database.drop();
    });
    const alex = await (await server.parley()).signUp('alex');
    const writers = new Writers(alex, await alex.createChat([]), 50);
    const readyMs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await writers.advance(200);
      await server.end('SIGKILL');
      const restarted = await startMeasured(database);
      server = restarted.server;
      readyMs.push(restarted.ms);
      writers.parley = await server.parley();
    }
    await writers.advance(200);
    await writers.stop();
    await writers.expectExactlyAcknowledged();
    const [median, slowest] = [0.5, 1].map((part) => readyMs.toSorted((a, b) => a - b)[ROUNDS * part - 1]);
    console.log(
      `${kind}: ${writers.acknowledged.size} calls; ready after ${Math.round(median)} ms, at most ${Math.round(slowest)} ms`,
    );
    // 1.6 s on two quiet cores.
    expect(median).toBeLessThan(20_000);
  });
});
