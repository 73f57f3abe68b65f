import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { MailSender } from './mail.sender.js';
import { type ClaimedMail, Outbox } from './outbox.service.js';

/** How often to look for mails whose pause is over, or that another instance left behind. */
const LOOK_EVERY = 1_000;

/** Sends what is in the outbox, in the background: no request waits for it. */
@Injectable()
export class MailWorker implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Mail');
  private timer?: NodeJS.Timeout;
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
  }

  /** Finishes the mail under way and leaves the rest to the next start. */
  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.round;
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
      const { message, responseCode = 0 } = error as Error & { responseCode?: number };
      const permanent = responseCode >= 500;
      this.logger.warn(`mail ${mail.id} failed${permanent ? ' for good' : ''}: ${message}`);
      return this.outbox.failed(mail, message, { permanent });
    }
    await this.outbox.sent(mail);
  }
}
