import { Module, type OnModuleInit } from '@nestjs/common';
import { deleteInChunks } from '../database/delete-in-chunks.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { now } from '../helpers/clock.js';
import { Scheduler } from '../scheduling/scheduler.js';
import { LOG_LIFETIME_US } from './change-log.js';

const SWEEP_INTERVAL_MS = 3_600_000;

@Module({})
export class ChangesModule implements OnModuleInit {
  constructor(
    private readonly scheduler: Scheduler,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  onModuleInit(): void {
    this.scheduler.add({
      name: 'sweep of old changes',
      intervalMs: SWEEP_INTERVAL_MS,
      run: (signal) =>
        deleteInChunks(this.unitOfWork, signal, {
          table: 'chat_changes',
          where: 'at < ?',
          values: [now() - LOG_LIFETIME_US],
          key: 'at',
        }),
    });
  }
}
