import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LessThan, LessThanOrEqual } from 'typeorm';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Scheduler } from '../scheduling/scheduler.js';
import { IdempotencyKey } from './idempotency-key.entity.js';
import { expiryTime } from './kept-answers.js';

const SWEEP_INTERVAL_MS = 60_000;

/** Bounds the rows that one transaction deletes, apart from rows of the same millisecond. */
const MAX_DELETIONS = 1_000;

/** Deletes expired keys, a bounded number in each transaction, because other writers wait meanwhile on SQLite. */
@Injectable()
export class IdempotencySweeper implements OnModuleInit {
  constructor(
    private readonly scheduler: Scheduler,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  onModuleInit(): void {
    this.scheduler.add({
      name: 'sweep of expired idempotency keys',
      intervalMs: SWEEP_INTERVAL_MS,
      run: () => this.sweep(),
    });
  }

  private async sweep(): Promise<void> {
    while (await this.deleteOldest());
  }

  /** Returns whether expired keys remain. */
  private deleteOldest(): Promise<boolean> {
    return this.unitOfWork.run(async (tx) => {
      const manager = await tx.manager();
      const expired = { createdAt: LessThan(expiryTime()) };
      const [last] = await manager.find(IdempotencyKey, {
        where: expired,
        order: { createdAt: 'ASC' },
        skip: MAX_DELETIONS - 1,
        take: 1,
      });
      await manager.delete(IdempotencyKey, last ? { createdAt: LessThanOrEqual(last.createdAt) } : expired);
      return last !== undefined;
    });
  }
}
