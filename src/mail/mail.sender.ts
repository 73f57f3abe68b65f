import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { MailerService } from '@nestjs-modules/mailer';
import Handlebars from 'handlebars';
import { Settings } from '../config/settings.js';
import type { MailKind } from './mail.entity.js';
import type { ClaimedMail, MailContent } from './outbox.service.js';

export const TEMPLATES = join(import.meta.dirname, 'templates');

const SUBJECTS: Record<MailKind, string> = {
  'verify-email': 'Welcome to Parley: verify your email address',
  'verify-new-email': 'Verify your new email address',
  'reset-password': 'Reset your password',
  'password-changed': 'Your password was changed',
};

/** Words a mail, as text and HTML, and hands it to SMTP or, without SMTP, to a file. */
@Injectable()
export class MailSender {
  private readonly texts: Map<string, HandlebarsTemplateDelegate>;
  private readonly host: string;

  constructor(
    private readonly settings: Settings,
    private readonly mailer: MailerService,
  ) {
    this.host = new URL(settings.publicUrl).hostname;
    this.texts = new Map(
      readdirSync(TEMPLATES)
        .filter((file) => file.endsWith('.txt.hbs'))
        .map((file) => [
          file.replace('.txt.hbs', ''),
          Handlebars.compile(readFileSync(join(TEMPLATES, file), 'utf8'), { noEscape: true, strict: true }),
        ]),
    );
  }

  /** @throws whatever the transport reports. */
  async send(mail: ClaimedMail, content: MailContent): Promise<void> {
    const context = { ...content, address: mail.address, ...this.links(content.token) };
    await this.mailer.sendMail({
      from: this.settings.mailFrom,
      to: { name: '', address: mail.address },
      // Said apart: a header is a text that a mail server may read as several addresses.
      envelope: { from: addressOf(this.settings.mailFrom), to: [mail.address] },
      subject: SUBJECTS[mail.kind],
      // The same for each attempt, so that a repeat is recognised as one.
      messageId: `<${mail.created_at}.${mail.id}.${mail.kind}@${this.host}>`,
      template: mail.kind,
      text: this.texts.get(mail.kind)?.(context),
      context,
    });
  }

  private links(token: string | null) {
    const { publicUrl } = this.settings;
    return {
      verifyUrl: `${publicUrl}/api/auth/verify-email?token=${token}`,
      resetUrl: `${publicUrl}/api/auth/reset-password`,
      docsUrl: `${publicUrl}/api/docs`,
    };
  }
}

/** `chat@example.com` of `Chat <chat@example.com>`. */
function addressOf(mailbox: string): string {
  return /<([^>]+)>$/.exec(mailbox)?.[1] ?? mailbox;
}
