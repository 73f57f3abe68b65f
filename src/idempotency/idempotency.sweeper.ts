import { Injectable, type OnModuleInit } from '@nestjs/common';
import { deleteInChunks } from '../database/delete-in-chunks.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Scheduler } from '../scheduling/scheduler.js';
import { expiryTime } from './kept-answers.js';

const SWEEP_INTERVAL_MS = 60_000;

/** Deletes expired keys. */
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
      run: (signal) =>
        deleteInChunks(this.unitOfWork, signal, {
          table: 'idempotency_keys',
          where: 'created_at < ?',
          values: [expiryTime()],
          key: 'created_at',
        }),
    });
  }
}
