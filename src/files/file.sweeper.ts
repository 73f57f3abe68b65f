import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { now, SECOND } from '../helpers/clock.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { FilesRepository, type Orphan } from './files.repository.js';
import { FilesService } from './files.service.js';
import { Storage } from './storage/storage.js';

/** How often to look for what is to be removed, in milliseconds. */
const SWEEP_INTERVAL_MS = 2_000;

/** How old an upload must be before another instance takes it for abandoned, in microseconds. */
const ABANDONED_AFTER = 86_400 * SECOND;

/** Removes bytes that nobody can read any more: of messages that are gone, and of uploads that a crash cut off. */
@Injectable()
export class FileSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Files');
  private timer?: NodeJS.Timeout;
  private round: Promise<void> = Promise.resolve();
  private sweeping = false;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly repository: FilesRepository,
    private readonly storage: Storage,
    private readonly files: FilesService,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.wake(), SWEEP_INTERVAL_MS).unref();
    this.wake();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.round;
  }

  private wake(): void {
    if (this.sweeping) return;
    this.sweeping = true;
    this.round = this.sweep()
      .catch((error: Error) => this.logger.warn(`sweep failed: ${error.message}`))
      .finally(() => (this.sweeping = false));
  }

  /** What cannot be removed does not keep the others, is told once, and tried again in the next round. */
  private async sweep(): Promise<void> {
    let failure: Error | undefined;
    const attempt = (removal: Promise<void>) => removal.catch((error: Error) => (failure ??= error));

    let orphans = await this.repository.orphans('');
    while (orphans.length > 0) {
      for (const orphan of orphans) await attempt(this.removeFile(orphan));
      orphans = await this.repository.orphans(orphans[orphans.length - 1].uuid);
    }
    for (const { storage_key } of await this.repository.openUploads(this.abandonedBefore())) {
      if (!this.files.isUnderWay(storage_key)) await attempt(this.removeUpload(storage_key));
    }
    if (failure) throw failure;
  }

  /** The bytes before the row: whatever happens between, the row is still there to try again. */
  private async removeFile({ uuid, storage_key }: Orphan): Promise<void> {
    if (storage_key !== null) await this.storage.remove(storage_key);
    await this.unitOfWork.run((tx) => this.repository.remove(tx, uuid));
  }

  private async removeUpload(storageKey: string): Promise<void> {
    if (!(await this.unitOfWork.run((tx) => this.repository.giveUpUpload(tx, storageKey)))) return;
    await this.storage.remove(storageKey);
    await this.unitOfWork.run((tx) => this.repository.forgetUpload(tx, storageKey));
  }

  /** A disk of our own holds no uploads but this process's. */
  private abandonedBefore(): number {
    return this.storage.isShared ? now() - ABANDONED_AFTER : Number.MAX_SAFE_INTEGER;
  }
}
