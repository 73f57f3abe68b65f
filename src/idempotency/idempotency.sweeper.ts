import { Injectable, type OnModuleInit } from '@nestjs/common';
import { deleteInChunks } from '../database/delete-in-chunks.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Removals } from '../removals/removals.service.js';
import { Scheduler } from '../scheduling/scheduler.js';
import { expiryTime } from './kept-answers.js';

const SWEEP_INTERVAL_MS = 60_000;

/** Deletes expired keys, and those of erased users. */
@Injectable()
export class IdempotencySweeper implements OnModuleInit {
  constructor(
    private readonly scheduler: Scheduler,
    private readonly unitOfWork: UnitOfWork,
    private readonly removals: Removals,
  ) {}

  onModuleInit(): void {
    this.scheduler.add({
      name: 'sweep of expired idempotency keys',
      intervalMs: SWEEP_INTERVAL_MS,
      run: (signal) => this.delete('created_at < ?', expiryTime(), 'created_at', signal),
    });
    this.removals.handlers.user.add((userId, signal) =>
      this.delete('user_id = ?', userId, 'key_text', signal),
    );
  }

  private delete(where: string, value: number, key: string, signal: AbortSignal): Promise<void> {
    const keys = { table: 'idempotency_keys', where, values: [value], key };
    return deleteInChunks(this.unitOfWork, signal, keys);
  }
}
