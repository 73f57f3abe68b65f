import { Injectable, type OnModuleInit } from '@nestjs/common';
import { now, SECOND_US } from '../helpers/clock.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Scheduler } from '../scheduling/scheduler.js';
import type { File } from './file.entity.js';
import { FilesRepository } from './files.repository.js';
import { FilesService } from './files.service.js';
import { Storage } from './storage/storage.js';

const SWEEP_INTERVAL_MS = 2_000;

/** The age at which an upload to a shared storage counts as abandoned: another instance may still be receiving it. */
const MAX_SHARED_UPLOAD_AGE_US = 86_400 * SECOND_US;

/** Removes the bytes of deleted messages and of interrupted uploads. Rows go last, so that failures are tried again. */
@Injectable()
export class FileSweeper implements OnModuleInit {
  constructor(
    private readonly scheduler: Scheduler,
    private readonly unitOfWork: UnitOfWork,
    private readonly repository: FilesRepository,
    private readonly storage: Storage,
    private readonly files: FilesService,
  ) {}

  onModuleInit(): void {
    this.scheduler.add({
      name: 'file sweep',
      intervalMs: SWEEP_INTERVAL_MS,
      run: (signal) => this.sweep(signal),
    });
  }

  private async sweep(signal: AbortSignal): Promise<void> {
    let failure: Error | undefined;
    const attempt = async (removal: () => Promise<void>) => {
      signal.throwIfAborted();
      await removal().catch((error: Error) => (failure ??= error));
    };

    let orphans = await this.repository.findOrphans('');
    while (orphans.length > 0) {
      for (const orphan of orphans) await attempt(() => this.removeFile(orphan));
      orphans = await this.repository.findOrphans(orphans[orphans.length - 1].uuid);
    }
    const startedBefore = this.storage.isShared ? now() - MAX_SHARED_UPLOAD_AGE_US : Number.MAX_SAFE_INTEGER;
    for (const { storageKey } of await this.repository.findUnfinishedUploads(startedBefore)) {
      if (!this.files.isReceiving(storageKey)) await attempt(() => this.removeUpload(storageKey));
    }
    if (failure) throw failure;
  }

  private async removeFile({ uuid, storageKey }: File): Promise<void> {
    if (storageKey !== null) await this.storage.remove(storageKey);
    await this.unitOfWork.run((tx) => this.repository.deleteFile(tx, uuid));
  }

  private async removeUpload(storageKey: string): Promise<void> {
    if (!(await this.unitOfWork.run((tx) => this.repository.abortUpload(tx, storageKey)))) return;
    await this.storage.remove(storageKey);
    await this.unitOfWork.run((tx) => this.repository.deleteUpload(tx, storageKey));
  }
}
