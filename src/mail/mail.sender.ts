import { Injectable } from '@nestjs/common';
import { MailerService } from '@nestjs-modules/mailer';
import { Settings } from '../config/settings.js';
import { type MailContent, renderMail } from './mail.renderer.js';
import type { WaitingMail } from './mails.repository.js';

@Injectable()
export class MailSender {
  constructor(
    private readonly settings: Settings,
    private readonly mailer: MailerService,
  ) {}

  async send(mail: WaitingMail, content: MailContent): Promise<void> {
    const { id, kind, address, createdAt } = mail;
    // With PORT=0 the public URL is final only once the server listens.
    const { mailFrom, publicUrl } = this.settings;
    // An object, because nodemailer parses a string as a list of addresses.
    const recipient = { name: '', address };
    await this.mailer.sendMail({
      from: mailFrom,
      to: [recipient],
      envelope: { from: addressOf(mailFrom), to: [recipient] },
      // The same for each attempt, so that recipients can recognize duplicates.
      messageId: `<${createdAt}.${id}.${kind}@${new URL(publicUrl).hostname}>`,
      ...renderMail({ ...content, kind, address, publicUrl }),
    });
  }
}

function addressOf(mailbox: string): string {
  return /<([^>]+)>$/.exec(mailbox)?.[1] ?? mailbox;
}
