import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Settings } from '../config/settings.js';
import { Removals } from '../removals/removals.service.js';
import { Scheduler } from '../scheduling/scheduler.js';
import { MailSender } from './mail.sender.js';
import type { WaitingMail } from './mails.repository.js';
import { type Claim, type Failure, Outbox, type Outcome } from './outbox.service.js';
import { describeFailure, isMailFailure, isPermanentFailure } from './smtp-failures.js';

export const MAX_CONCURRENT_MAILS = 8;

const CLEANUP_INTERVAL_MS = 3_600_000;
const SHUTDOWN_TIMEOUT_MS = 5_000;

/** These factors limit the back-off to ten minutes for a mail and one minute for a probe, before jitter. */
const MAX_MAIL_BACKOFF = 600;
const MAX_PROBE_BACKOFF = 60;

/** Sends mails in the background. While the mail server is down, single mails probe it, and the others wait. */
@Injectable()
export class MailWorker implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger('Mail');
  /** Claimed mails whose outcome is not in the database yet. */
  private readonly held = new Set<WaitingMail>();
  private readonly outcomes: Outcome[] = [];
  private failedProbes = 0;
  private nextProbeAt = 0;
  private nextRenewalAt = 0;
  /** At most one cycle runs and one waits. */
  private cycles = 0;
  private lastCycle: Promise<void> = Promise.resolve();
  private isStopping = false;

  constructor(
    private readonly settings: Settings,
    private readonly outbox: Outbox,
    private readonly sender: MailSender,
    private readonly scheduler: Scheduler,
    private readonly removals: Removals,
  ) {}

  onModuleInit(): void {
    const run = async () => this.wake();
    this.outbox.mailAdded.add(run);
    this.scheduler.add({ name: 'sending mails', intervalMs: this.settings.mailTiming.pollMs, run });
    this.scheduler.add({
      name: 'deleting old mails',
      intervalMs: CLEANUP_INTERVAL_MS,
      run: (signal) => this.outbox.deleteOldMails(signal),
    });
    this.removals.handlers.user.add((userId, signal) => this.outbox.deleteAllOf(userId, signal));
  }

  /** A mail that is still under way at the timeout is sent again after its lease. */
  async onModuleDestroy(): Promise<void> {
    this.isStopping = true;
    const deadline = Date.now() + SHUTDOWN_TIMEOUT_MS;
    while (this.held.size + this.cycles > 0 && Date.now() < deadline) {
      this.wake();
      await sleep(20);
    }
  }

  private wake(): void {
    if (this.cycles > 1) return;
    this.cycles += 1;
    this.lastCycle = this.lastCycle
      .then(() => this.runCycle())
      .catch((error: Error) => this.logger.warn(`outbox cannot be used: ${error.message}`))
      .finally(() => (this.cycles -= 1));
  }

  private async runCycle(): Promise<void> {
    await this.flushOutcomes();
    await this.renewLeases();
    if (this.isStopping || Date.now() < this.nextProbeAt) return;
    const free = (this.failedProbes > 0 ? 1 : MAX_CONCURRENT_MAILS) - this.held.size;
    if (free <= 0) return;
    for (const claim of await this.outbox.claim(free)) void this.send(claim);
  }

  /** Keeps the outcomes until the database has them, because a lost outcome would send a mail twice. */
  private async flushOutcomes(): Promise<void> {
    const outcomes = [...this.outcomes];
    if (outcomes.length === 0) return;
    await this.outbox.saveOutcomes(outcomes);
    this.outcomes.splice(0, outcomes.length);
    for (const { mail } of outcomes) this.held.delete(mail);
  }

  private async renewLeases(): Promise<void> {
    if (this.held.size === 0 || Date.now() < this.nextRenewalAt) return;
    await this.outbox.renewLeases([...this.held]);
    this.nextRenewalAt = Date.now() + this.settings.mailTiming.renewalMs;
  }

  private async send({ mail, content }: Claim): Promise<void> {
    this.held.add(mail);
    let failure: Failure | undefined;
    try {
      await this.sender.send(mail, content);
      this.endOutage();
    } catch (error) {
      failure = this.assessFailure(mail, error);
    }
    this.outcomes.push({ mail, failure });
    this.wake();
  }

  private assessFailure(mail: WaitingMail, error: unknown): Failure {
    const reason = error instanceof Error ? error.message : String(error);
    const isPermanent = isPermanentFailure(error);
    this.logger.warn(`mail ${mail.id} failed${isPermanent ? ' for good' : ''}: ${describeFailure(error)}`);
    if (isMailFailure(error)) {
      this.endOutage();
      return { reason, retryInMs: isPermanent ? null : this.backoffMs(mail.attempts, MAX_MAIL_BACKOFF) };
    }
    this.postponeProbe();
    return { reason, retryInMs: this.backoffMs(mail.attempts, MAX_PROBE_BACKOFF) };
  }

  private endOutage(): void {
    this.failedProbes = 0;
    this.nextProbeAt = 0;
  }

  /** Mails that fail together count as one failed probe. */
  private postponeProbe(): void {
    if (Date.now() < this.nextProbeAt) return;
    this.failedProbes += 1;
    this.nextProbeAt = Date.now() + this.backoffMs(this.failedProbes, MAX_PROBE_BACKOFF);
  }

  private backoffMs(failures: number, maxFactor: number): number {
    return this.settings.mailTiming.backoffMs * Math.min(maxFactor, 2 ** failures) * (0.5 + Math.random());
  }
}
