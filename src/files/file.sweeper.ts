import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { now, SECOND } from '../common/clock.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { FilesRepository, type Orphan } from './files.repository.js';
import { Storage } from './storage/storage.js';

/** How often to look for what is to be removed, in milliseconds. */
const LOOK_EVERY = 2_000;

/** How old an upload must be before another instance takes it for abandoned, in microseconds. */
const LONGEST_UPLOAD = 86_400 * SECOND;

/** Removes bytes that nobody can read any more: of messages that are gone, and of uploads that a crash cut off. */
@Injectable()
export class FileSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Files');
  private readonly startedAt = now();
  private timer?: NodeJS.Timeout;
  private round: Promise<void> = Promise.resolve();
  private sweeping = false;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly repository: FilesRepository,
    private readonly storage: Storage,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.wake(), LOOK_EVERY).unref();
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
      .catch((error: Error) => void this.warn(error))
      .finally(() => (this.sweeping = false));
  }

  /** The bytes before the row: whatever happens between, the row is still there to try again. */
  private async sweep(): Promise<void> {
    let removed: number;
    do {
      removed = 0;
      for (const orphan of await this.repository.orphans()) {
        removed += await this.removeFile(orphan).then(() => 1, this.warn);
      }
    } while (removed > 0);
    for (const { storage_key } of await this.repository.abandonedUploads(this.abandonedBefore())) {
      await this.removeUpload(storage_key).catch(this.warn);
    }
  }

  private async removeFile({ uuid, storage_key }: Orphan): Promise<void> {
    if (storage_key !== null) await this.storage.remove(storage_key);
    await this.unitOfWork.run((tx) => this.repository.remove(tx, uuid));
  }

  private async removeUpload(storageKey: string): Promise<void> {
    if (!(await this.unitOfWork.run((tx) => this.repository.giveUpUpload(tx, storageKey)))) return;
    await this.storage.remove(storageKey);
    await this.unitOfWork.run((tx) => this.repository.forgetUpload(tx, storageKey));
  }

  /** What cannot be removed now is tried again in the next round. */
  private readonly warn = (error: Error): 0 => {
    this.logger.warn(`sweep failed: ${error.message}`);
    return 0;
  };

  /** A disk of our own holds no upload that is older than this process and still under way. */
  private abandonedBefore(): number {
    return this.storage.isShared ? now() - LONGEST_UPLOAD : this.startedAt;
  }
}
