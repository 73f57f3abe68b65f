import { expect, test, vi } from 'vitest';
import type { UnitOfWork } from '#src/database/unit-of-work.js';
import { FileSweeper } from '#src/files/file.sweeper.js';
import type { FilesRepository } from '#src/files/files.repository.js';
import type { FilesService } from '#src/files/files.service.js';
import type { Storage } from '#src/files/storage/storage.js';
import type { Job, Scheduler } from '#src/scheduling/scheduler.js';

test('a sweep ends after the file under way when the server stops', async () => {
  const jobs: Job[] = [];
  const stop = new AbortController();
  const remove = vi.fn(async () => stop.abort());
  const orphans = ['a', 'b'].map((uuid) => ({ uuid, storageKey: uuid }));
  const unitOfWork = { run: vi.fn(async () => {}) };
  new FileSweeper(
    { add: (job: Job) => jobs.push(job) } as unknown as Scheduler,
    unitOfWork as unknown as UnitOfWork,
    { findOrphans: async () => orphans } as unknown as FilesRepository,
    { remove } as unknown as Storage,
    {} as FilesService,
  ).onModuleInit();
  await expect(jobs[0].run(stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
  expect(remove.mock.calls).toEqual([['a']]);
  expect(unitOfWork.run).toHaveBeenCalledOnce();
});
