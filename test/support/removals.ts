import { vi } from 'vitest';
import { Reader } from '#src/database/unit-of-work.js';
import { REMOVAL_JOB, Removals } from '#src/removals/removals.service.js';
import { Scheduler } from '#src/scheduling/scheduler.js';
import type { TestServer } from './server.js';
import { until } from './until.js';

/** Resolves when nothing of deleted chats and erased users is left to remove. */
export async function removalsDone({ app }: Pick<TestServer, 'app'>): Promise<void> {
  await until('the removals to be done', async () => {
    const removals = await app.get(Reader).query('SELECT id FROM removals');
    return removals.length === 0 ? true : undefined;
  });
}

/** Keeps removals from beginning until the returned function is called, which waits for their end. */
export function holdRemovals(server: Pick<TestServer, 'app'>): () => Promise<void> {
  const prototype = Removals.prototype as unknown as { removeAll(): Promise<void> };
  const removeAll = vi.spyOn(prototype, 'removeAll').mockResolvedValue();
  return async () => {
    removeAll.mockRestore();
    server.app.get(Scheduler).wake(REMOVAL_JOB);
    await removalsDone(server);
  };
}
