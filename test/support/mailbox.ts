import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import PostalMime, { type Email } from 'postal-mime';
import { until } from './until.js';

const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]+/;

/** The mails that a server without SMTP writes to its folder. */
export class Mailbox {
  constructor(private readonly folder: string) {}

  /** Returns all mails to an address, oldest first. */
  async all(address: string): Promise<Email[]> {
    if (!existsSync(this.folder)) return [];
    const files = readdirSync(this.folder).filter((file) => file.endsWith('.eml'));
    const mails = await Promise.all(
      files.toSorted().map((file) => PostalMime.parse(readFileSync(join(this.folder, file)))),
    );
    return mails.filter((mail) => mail.to?.some((to) => to.address === address));
  }

  /** Resolves with the newest mail to the address whose subject matches, once there are `count` of them. */
  waitFor(address: string, subject: RegExp, count = 1): Promise<Email> {
    return until(`mail ${count} to ${address} about ${subject}`, async () => {
      const mails = (await this.all(address)).filter((mail) => subject.test(mail.subject ?? ''));
      return mails.length >= count ? mails.at(-1) : undefined;
    });
  }

  /** As {@link waitFor}, but resolves with the token in the mail. */
  async waitForToken(address: string, subject: RegExp, count = 1): Promise<string> {
    const mail = await this.waitFor(address, subject, count);
    const token = JWT.exec(mail.text ?? '')?.[0];
    if (!token) throw new Error(`no token in the mail to ${address}`);
    return token;
  }
}
