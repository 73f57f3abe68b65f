import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { MailerService } from '@nestjs-modules/mailer';
import Handlebars from 'handlebars';
import { Settings } from '../config/settings.js';
import type { MailKind } from './mail.entity.js';
import type { ClaimedMail, MailContent } from './outbox.service.js';

const FOLDER = join(import.meta.dirname, 'templates');

const SUBJECTS: Record<MailKind, string> = {
  'verify-email': 'Welcome to Parley: verify your email address',
  'verify-new-email': 'Verify your new email address',
  'reset-password': 'Reset your password',
  'password-changed': 'Your password was changed',
};

/** Words a mail, as text and HTML, and hands it to SMTP or, without SMTP, to a file. */
@Injectable()
export class MailSender {
  private readonly texts = compileAll('.txt.hbs', { noEscape: true });
  private readonly pages = compileAll('.html.hbs');
  private readonly host: string;

  constructor(
    private readonly settings: Settings,
    private readonly mailer: MailerService,
  ) {
    this.host = new URL(settings.publicUrl).hostname;
  }

  /** @throws whatever the transport reports. */
  async send(mail: ClaimedMail, content: MailContent): Promise<void> {
    // As an object: a string is read as a list of addresses, which a user's one may look like.
    const recipient = { name: '', address: mail.address };
    const context = {
      ...content,
      // A name must not add lines of its own to what we say.
      name: content.name.replace(/[\p{Cc}\u2028\u2029]+/gu, ' '),
      address: mail.address,
      ...this.links(content.token),
    };
    await this.mailer.sendMail({
      from: this.settings.mailFrom,
      to: [recipient],
      envelope: { from: addressOf(this.settings.mailFrom), to: [recipient] },
      subject: SUBJECTS[mail.kind],
      // The same for each attempt, so that a repeat is recognised as one.
      messageId: `<${mail.created_at}.${mail.id}.${mail.kind}@${this.host}>`,
      text: this.render(this.texts, mail.kind, context),
      html: this.render(this.pages, 'layout', {
        ...context,
        body: this.render(this.pages, mail.kind, context),
      }),
    });
  }

  private render(templates: Templates, name: MailKind | 'layout', context: object): string {
    const template = templates.get(name);
    if (!template) throw new Error(`there is no template for ${name}`);
    return template(context);
  }

  private links(token: string | null) {
    const { publicUrl } = this.settings;
    return {
      verifyUrl: `${publicUrl}/api/auth/verify-email?token=${token}`,
      resetUrl: `${publicUrl}/api/auth/reset-password`,
    };
  }
}

type Templates = ReadonlyMap<string, HandlebarsTemplateDelegate>;

/** The templates whose files end that way, by the rest of their names. */
function compileAll(ending: string, options: CompileOptions = {}): Templates {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith(ending));
  return new Map(
    files.map((file) => [
      file.slice(0, -ending.length),
      Handlebars.compile(readFileSync(join(FOLDER, file), 'utf8'), { strict: true, ...options }),
    ]),
  );
}

/** `chat@example.com` of `Chat <chat@example.com>`. */
function addressOf(mailbox: string): string {
  return /<([^>]+)>$/.exec(mailbox)?.[1] ?? mailbox;
}
