import type { AddressInfo, Socket } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import { TEST_CERTIFICATE } from './certificate.js';
import { until } from './until.js';

export interface ReceivedMail extends Email {
  /** The recipients of the SMTP envelope; the headers may differ. */
  recipients: string[];
  /** Whether it came through TLS. */
  secure: boolean;
}

/** Runs before the sink accepts a mail; an error rejects the mail. */
type Verdict = (mail: ReceivedMail) => Promise<void> | void;

/** Returns an error that makes the sink answer with an SMTP code. */
export const smtpError = (responseCode: number, message: string) =>
  Object.assign(new Error(message), { responseCode });

/** By default the sink has no TLS and no login. */
export interface SinkOptions {
  /** TLS from the start, or offered by STARTTLS, with {@link TEST_CERTIFICATE}. */
  tls?: 'from-start' | 'starttls';
  /** Only this user may send, and only log in through TLS. */
  login?: { user: string; password: string };
}

/** An SMTP server on 127.0.0.1 that keeps all mails. */
export class SmtpSink {
  /** All mails, rejected ones included. */
  readonly offered: ReceivedMail[] = [];
  readonly accepted: ReceivedMail[] = [];
  /** The largest number of mails in transfer at the same time. */
  maxConcurrent = 0;
  verdict: Verdict = () => {};
  /** Run before the mail is received; an error rejects the address. */
  senderVerdict: (address: string) => void = () => {};
  recipientVerdict: (address: string) => void = () => {};
  /** Runs after the sink has accepted a mail, and before it answers. */
  beforeAnswer: Verdict = () => {};
  private letGo = () => {};
  private underWay = 0;
  private readonly gone = new Set<string>();
  private readonly sockets = new Set<Socket>();
  private readonly server: SMTPServer;
  port = 0;

  private constructor(private readonly options: SinkOptions) {
    const { tls, login } = options;
    const disabled = [login ? '' : 'AUTH', tls === 'starttls' ? '' : 'STARTTLS'];
    this.server = new SMTPServer({
      ...(tls && TEST_CERTIFICATE),
      secure: tls === 'from-start',
      disabledCommands: disabled.filter((command) => command !== ''),
      disableReverseLookup: true,
      closeTimeout: 100,
      onAuth: ({ username, password }, _session, done) => {
        const known = username === login?.user && password === login?.password;
        done(known ? null : smtpError(535, 'no such login'), { user: username });
      },
      onMailFrom: ({ address }, _session, done) => answer(() => this.senderVerdict(address), done),
      onRcptTo: ({ address }, _session, done) => answer(() => this.recipientVerdict(address), done),
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          this.receive(Buffer.concat(chunks), session).then(() => done(), done);
        });
      },
      onClose: ({ id }) => this.gone.add(id),
    });
    this.server.on('error', () => {});
    this.server.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  /** Listens on the port; 0 chooses a free one. */
  static async listen(port = 0, options: SinkOptions = {}): Promise<SmtpSink> {
    const sink = new SmtpSink(options);
    await new Promise<void>((resolve) => {
      sink.server.listen(port, '127.0.0.1', resolve);
    });
    sink.port = (sink.server.server.address() as AddressInfo).port;
    return sink;
  }

  /** The value for SMTP_URL. */
  get url(): string {
    const { tls, login } = this.options;
    const credentials = login ? `${login.user}:${encodeURIComponent(login.password)}@` : '';
    return `${tls === 'from-start' ? 'smtps' : 'smtp'}://${credentials}127.0.0.1:${this.port}`;
  }

  /** Delays the answer to each mail until {@link release}. */
  hold(): void {
    const released = new Promise<void>((resolve) => (this.letGo = resolve));
    this.verdict = () => released;
  }

  /** Accepts the delayed mails, and all further ones. */
  release(): void {
    this.verdict = () => {};
    this.recipientVerdict = () => {};
    this.letGo();
  }

  /** Resolves with the newest accepted mail to the address whose subject matches, once there are `count` of them. */
  waitFor(address: string, subject: RegExp, count = 1): Promise<ReceivedMail> {
    return waitIn(this.accepted, address, subject, count);
  }

  /** As {@link waitFor}, for rejected and unanswered mails too. */
  waitForOffer(address: string, subject: RegExp, count = 1): Promise<ReceivedMail> {
    return waitIn(this.offered, address, subject, count);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.server.close(resolve));
  }

  /** Stops at once and breaks all connections. */
  crash(): Promise<void> {
    const closed = this.close();
    for (const socket of this.sockets) socket.destroy();
    return closed;
  }

  private async receive(bytes: Buffer, { id, envelope, secure }: SMTPServerSession): Promise<void> {
    const recipients = envelope.rcptTo.map(({ address }) => address);
    const mail = { ...(await PostalMime.parse(bytes)), recipients, secure };
    this.offered.push(mail);
    this.underWay += 1;
    this.maxConcurrent = Math.max(this.maxConcurrent, this.underWay);
    try {
      await this.verdict(mail);
      // A client that has disconnected cannot learn that the mail is accepted.
      if (this.gone.has(id)) return;
      this.accepted.push(mail);
      await this.beforeAnswer(mail);
    } finally {
      this.underWay -= 1;
    }
  }
}

function answer(verdict: () => void, done: (error?: Error) => void): void {
  try {
    verdict();
    done();
  } catch (error) {
    done(error as Error);
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
