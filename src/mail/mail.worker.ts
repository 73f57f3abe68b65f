import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Settings } from '../config/settings.js';
import { MailSender } from './mail.sender.js';
import type { WaitingMail } from './mails.repository.js';
import { type Claim, Outbox, type Outcome } from './outbox.service.js';
import { describeFailure, isAboutMail, isForGood } from './smtp-failures.js';

/** How many mails are under way at once: one that takes long does not stop the rest. */
export const MAX_CONCURRENT_MAILS = 8;

const SWEEP_INTERVAL_MS = 3_600_000;
/** How long a shutdown waits for the mails under way, in milliseconds. */
const SHUTDOWN_TIMEOUT_MS = 5_000;

/** The longest pauses, before the jitter, as multiples of the shortest: ten minutes for a mail, one for the server. */
const LONGEST_PAUSE = 600;
const LONGEST_OUTAGE_PAUSE = 60;

/**
 * Sends what is in the outbox, in the background: no request waits for it. While the mail server is away it
 * tries one mail now and then; the others wait as they are, and all go out when it is back.
 */
@Injectable()
export class MailWorker implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Mail');
  private readonly timers: NodeJS.Timeout[] = [];
  /** The mails that are this worker's: under way, or their outcome is not in the database yet. */
  private readonly held = new Set<WaitingMail>();
  private readonly outcomes: Outcome[] = [];
  /** How often in a row the mail server could not be talked to, and until when it is left alone. */
  private outages = 0;
  private restsUntil = 0;
  private renewsAt = 0;
  private turn: Promise<void> = Promise.resolve();
  private turns = 0;
  private stopped = false;

  constructor(
    private readonly settings: Settings,
    private readonly outbox: Outbox,
    private readonly sender: MailSender,
  ) {}

  onApplicationBootstrap(): void {
    this.outbox.mailAdded.add(() => this.wake());
    this.every(this.settings.mailTiming.look, () => this.wake());
    this.every(SWEEP_INTERVAL_MS, () => this.sweep());
    this.wake();
    this.sweep();
  }

  private every(milliseconds: number, task: () => void): void {
    this.timers.push(setInterval(task, milliseconds).unref());
  }

  private sweep(): void {
    this.outbox
      .deleteOldMails()
      .catch((error: Error) => this.logger.warn(`old mails stay: ${error.message}`));
  }

  /**
   * Finishes the mails under way and leaves the rest to the next start. A mail server that takes too long does
   * not keep us: nobody can tell what becomes of its mail, so that is tried again only when the lease ends.
   */
  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    const deadline = Date.now() + SHUTDOWN_TIMEOUT_MS;
    await Promise.race([this.turn, sleep(SHUTDOWN_TIMEOUT_MS, undefined, { ref: false })]);
    while (this.held.size > 0 && Date.now() < deadline) {
      this.wake();
      await sleep(20);
    }
    for (const timer of this.timers) clearInterval(timer);
  }

  /** One turn at a time, and one more after it where something happened meanwhile. */
  private wake(): void {
    if (this.turns > 1) return;
    this.turns += 1;
    this.turn = this.turn
      .then(() => this.takeTurn())
      .catch((error: Error) => this.logger.warn(`outbox cannot be used: ${error.message}`))
      .finally(() => (this.turns -= 1));
  }

  /** Writes down what has happened, all that ended during the last turn in one commit, and takes new mails. */
  private async takeTurn(): Promise<void> {
    await this.record();
    await this.renew();
    if (this.stopped || Date.now() < this.restsUntil) return;
    const free = (this.outages > 0 ? 1 : MAX_CONCURRENT_MAILS) - this.held.size;
    if (free <= 0) return;
    for (const claim of await this.outbox.claim(free)) void this.handle(claim);
  }

  /** What is not in the database because it is away comes again: a mail that was accepted must not be sent twice. */
  private async record(): Promise<void> {
    const outcomes = [...this.outcomes];
    if (outcomes.length === 0) return;
    await this.outbox.saveOutcomes(outcomes);
    this.outcomes.splice(0, outcomes.length);
    for (const { mail } of outcomes) this.held.delete(mail);
  }

  private async renew(): Promise<void> {
    if (this.held.size === 0 || Date.now() < this.renewsAt) return;
    await this.outbox.renewLeases([...this.held]);
    this.renewsAt = Date.now() + this.settings.mailTiming.renewal;
  }

  private async handle(claim: Claim): Promise<void> {
    this.held.add(claim.mail);
    this.outcomes.push(await this.deliver(claim));
    this.wake();
  }

  /** Never throws. */
  private async deliver({ mail, content }: Claim): Promise<Outcome> {
    try {
      await this.sender.send(mail, content);
      this.endOutage();
      return { mail };
    } catch (error) {
      return { mail, failure: this.failureOf(mail, error) };
    }
  }

  private failureOf(mail: WaitingMail, error: unknown): Outcome['failure'] {
    const reason = error instanceof Error ? error.message : String(error);
    const forGood = isForGood(error);
    this.logger.warn(`mail ${mail.id} failed${forGood ? ' for good' : ''}: ${describeFailure(error)}`);
    if (isAboutMail(error)) {
      this.endOutage();
      return { reason, retryInMs: forGood ? null : this.backOff(mail.attempts, LONGEST_PAUSE) };
    }
    this.rest();
    return { reason, retryInMs: this.backOff(mail.attempts, LONGEST_OUTAGE_PAUSE) };
  }

  private endOutage(): void {
    this.outages = 0;
    this.restsUntil = 0;
  }

  /** Leaves the mail server alone for a while; mails that failed together are one outage. */
  private rest(): void {
    if (Date.now() < this.restsUntil) return;
    this.outages += 1;
    this.restsUntil = Date.now() + this.backOff(this.outages, LONGEST_OUTAGE_PAUSE);
  }

  /** A pause that doubles with each failure, and differs from mail to mail; in milliseconds. */
  private backOff(failures: number, longest: number): number {
    const factor = Math.min(longest, 2 ** Math.min(failures, 20));
    return this.settings.mailTiming.pause * factor * (0.5 + Math.random());
  }
}
