import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';

/** Work that is repeated in the background. */
export interface Job {
  /** Names the job in the log. */
  name: string;
  intervalMs: number;
  /** May end early, by an error, when the signal aborts. */
  run: (signal: AbortSignal) => Promise<void>;
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
  private readonly woken = new Set<Job>();
  private readonly stop = new AbortController();
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

  /** Runs the job at once, or again after the run under way. */
  wake(name: string): void {
    const job = this.jobs.find((one) => one.name === name);
    if (!job) return;
    if (this.running.has(job)) this.woken.add(job);
    else this.start(job);
  }

  /** Stops the timers, aborts the signal of the runs under way and waits for them. */
  async onModuleDestroy(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.stop.abort();
    await Promise.all(this.running.values());
  }

  private start(job: Job): void {
    const { signal } = this.stop;
    if (this.running.has(job) || signal.aborted) return;
    const run = job
      .run(signal)
      .catch((error: Error) => {
        if (!signal.aborted) this.logger.warn(`${job.name} failed: ${error.message}`);
      })
      .finally(() => {
        this.running.delete(job);
        if (this.woken.delete(job)) this.start(job);
      });
    this.running.set(job, run);
  }
}
