import { Injectable } from '@nestjs/common';
import { MailerService } from '@nestjs-modules/mailer';
import { Settings } from '../config/settings.js';
import { renderMail } from './mail.renderer.js';
import type { ClaimedMail, MailContent } from './outbox.service.js';

/** Hands a mail to SMTP or, without SMTP, to a file. */
@Injectable()
export class MailSender {
  private readonly host: string;

  constructor(
    private readonly settings: Settings,
    private readonly mailer: MailerService,
  ) {
    this.host = new URL(settings.publicUrl).hostname;
  }

  /** @throws whatever the transport reports. */
  async send(mail: ClaimedMail, content: MailContent): Promise<void> {
    const { kind, address } = mail;
    // Asked for now: with PORT=0 the port is not known at the start.
    const { mailFrom, publicUrl } = this.settings;
    // As an object: a string is read as a list of addresses, which a user's one may look like.
    const recipient = { name: '', address };
    await this.mailer.sendMail({
      from: mailFrom,
      to: [recipient],
      envelope: { from: addressOf(mailFrom), to: [recipient] },
      // The same for each attempt, so that a repeat is recognised as one.
      messageId: `<${mail.created_at}.${mail.id}.${kind}@${this.host}>`,
      ...renderMail({ ...content, kind, address, publicUrl }),
    });
  }
}

/** `chat@example.com` of `Chat <chat@example.com>`. */
function addressOf(mailbox: string): string {
  return /<([^>]+)>$/.exec(mailbox)?.[1] ?? mailbox;
}
