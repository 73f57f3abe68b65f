import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { MailSender } from './mail.sender.js';
import { type ClaimedMail, Outbox } from './outbox.service.js';

/** How often to look for mails whose pause is over, or that another instance left behind. */
const LOOK_EVERY = 1_000;
const SWEEP_EVERY = 3_600_000;
/** How long a shutdown waits for the mail under way, in milliseconds. */
const LONGEST_GOODBYE = 5_000;

/** Sends what is in the outbox, in the background: no request waits for it. */
@Injectable()
export class MailWorker implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Mail');
  private timer?: NodeJS.Timeout;
  private sweeper?: NodeJS.Timeout;
  private round: Promise<void> = Promise.resolve();
  private rounds = 0;
  private stopped = false;

  constructor(
    private readonly outbox: Outbox,
    private readonly sender: MailSender,
  ) {}

  onApplicationBootstrap(): void {
    this.outbox.onMail(() => this.wake());
    this.timer = setInterval(() => this.wake(), LOOK_EVERY).unref();
    this.wake();
    this.sweeper = setInterval(() => this.sweep(), SWEEP_EVERY).unref();
    this.sweep();
  }

  private sweep(): void {
    this.outbox.sweep().catch((error: Error) => this.logger.warn(`old mails stay: ${error.message}`));
  }

  /** Finishes the mail under way and leaves the rest to the next start. */
  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    clearInterval(this.sweeper);
    // A mail server that hangs must not keep us: the mail's lease ends, and the next start sends it.
    await Promise.race([this.round, sleep(LONGEST_GOODBYE, undefined, { ref: false })]);
  }

  /** One round at a time, and one more after it where mails came meanwhile. */
  private wake(): void {
    if (this.rounds > 1) return;
    this.rounds += 1;
    this.round = this.round
      .then(() => this.sendAll())
      .catch((error: Error) => this.logger.warn(`outbox cannot be read: ${error.message}`))
      .finally(() => (this.rounds -= 1));
  }

  private async sendAll(): Promise<void> {
    while (!this.stopped) {
      const mail = await this.outbox.claim();
      if (!mail) return;
      await this.sendOne(mail);
    }
  }

  private async sendOne(mail: ClaimedMail): Promise<void> {
    const content = await this.outbox.content(mail);
    if (!content) return;
    try {
      await this.sender.send(mail, content);
    } catch (error) {
      const { message } = error as Error;
      const permanent = isRefusal(error);
      this.logger.warn(`mail ${mail.id} failed${permanent ? ' for good' : ''}: ${message}`);
      return this.outbox.failed(mail, message, { permanent });
    }
    await this.outbox.sent(mail);
  }
}

/** The mail server wants neither this recipient nor this mail. What it says of a login or a sender may be mended. */
function isRefusal(error: unknown): boolean {
  const { responseCode = 0, command = '' } = error as { responseCode?: number; command?: string };
  return responseCode >= 500 && ['RCPT TO', 'DATA'].includes(command);
}
