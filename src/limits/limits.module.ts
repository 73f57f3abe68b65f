import { Global, Module, type OnModuleInit } from '@nestjs/common';
import { Scheduler } from '../scheduling/scheduler.js';
import { LimitCountersRepository } from './limit-counters.repository.js';
import { Limits } from './limits.service.js';

const SWEEP_INTERVAL_MS = 3_600_000;

@Global()
@Module({ providers: [Limits, LimitCountersRepository], exports: [Limits] })
export class LimitsModule implements OnModuleInit {
  constructor(
    private readonly counters: LimitCountersRepository,
    private readonly scheduler: Scheduler,
  ) {}

  onModuleInit(): void {
    this.scheduler.add({
      name: 'sweep of old limits',
      intervalMs: SWEEP_INTERVAL_MS,
      run: (signal) => this.counters.deleteOld(signal),
    });
  }
}
