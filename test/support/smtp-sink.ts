import type { AddressInfo } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { until } from './until.js';

export interface ReceivedMail extends Email {
  /** Whom the client named to SMTP, whatever the headers say. */
  recipients: string[];
}

/** What the sink does with a mail before it accepts it; what it throws refuses the mail. */
type Verdict = (mail: ReceivedMail) => Promise<void> | void;

/** The error that makes the sink answer with that SMTP code. */
export const refusal = (responseCode: number, message: string) =>
  Object.assign(new Error(message), { responseCode });

/** An SMTP server on loopback that keeps what it is sent. */
export class SmtpSink {
  /** All mails that came in, refused ones too. */
  readonly offered: ReceivedMail[] = [];
  readonly accepted: ReceivedMail[] = [];
  verdict: Verdict = () => {};
  private letGo = () => {};
  private readonly server: SMTPServer;
  port = 0;

  private constructor() {
    this.server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const recipients = session.envelope.rcptTo.map(({ address }) => address);
          this.receive(Buffer.concat(chunks), recipients).then(() => done(), done);
        });
      },
    });
    this.server.on('error', () => {});
  }

  /** Listens on a free port, or on one that was free before. */
  static async listen(port = 0): Promise<SmtpSink> {
    const sink = new SmtpSink();
    await new Promise<void>((resolve) => {
      sink.server.listen(port, '127.0.0.1', resolve);
    });
    sink.port = (sink.server.server.address() as AddressInfo).port;
    return sink;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  /** From now on each mail waits for its answer until {@link release}. */
  hold(): void {
    const released = new Promise<void>((resolve) => (this.letGo = resolve));
    this.verdict = () => released;
  }

  /** Accepts what is held, and everything from now on. */
  release(): void {
    this.verdict = () => {};
    this.letGo();
  }

  /** The newest accepted mail to the address whose subject matches, once there are `count` of them. */
  waitFor(address: string, subject: RegExp, count = 1): Promise<ReceivedMail> {
    return waitIn(this.accepted, address, subject, count);
  }

  /** As {@link waitFor}, of those that are not answered or were refused, too. */
  waitForOffer(address: string, subject: RegExp, count = 1): Promise<ReceivedMail> {
    return waitIn(this.offered, address, subject, count);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(resolve));
  }

  private async receive(bytes: Buffer, recipients: string[]): Promise<void> {
    const mail = { ...(await PostalMime.parse(bytes)), recipients };
    this.offered.push(mail);
    await this.verdict(mail);
    this.accepted.push(mail);
  }
}

function waitIn(mails: ReceivedMail[], address: string, subject: RegExp, count: number) {
  return until(`mail ${count} to ${address} about ${subject}`, () => {
    const found = mails.filter(
      ({ recipients, subject: line }) => recipients.includes(address) && subject.test(line ?? ''),
    );
    return found.length >= count ? found.at(-1) : undefined;
  });
}
