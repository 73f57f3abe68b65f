import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';

/** Work that is repeated in the background. */
export interface Job {
  /** Names the job in the log. */
  name: string;
  intervalMs: number;
  run: () => Promise<void>;
}

/**
 * Runs each job when the server has started, and then at its interval. A job never overlaps itself: while a run is
 * under way its next ones are skipped. A failure is logged, and the next run tries again.
 */
@Injectable()
export class Scheduler implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Scheduler');
  private readonly jobs: Job[] = [];
  private readonly running = new Map<Job, Promise<void>>();
  private timers: NodeJS.Timeout[] = [];

  /** Registers a job; to be called while modules initialise. */
  add(job: Job): void {
    this.jobs.push(job);
  }

  onApplicationBootstrap(): void {
    for (const job of this.jobs) {
      this.timers.push(setInterval(() => this.start(job), job.intervalMs).unref());
      this.start(job);
    }
  }

  /** Stops the timers and waits for the runs under way. */
  async onModuleDestroy(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.running.values());
  }

  private start(job: Job): void {
    if (this.running.has(job)) return;
    const run = job
      .run()
      .catch((error: Error) => this.logger.warn(`${job.name} failed: ${error.message}`))
      .finally(() => this.running.delete(job));
    this.running.set(job, run);
  }
}
