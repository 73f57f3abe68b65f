import type { AddressInfo, Socket } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';
import { TEST_CERTIFICATE } from './certificate.js';
import { until } from './until.js';

export interface ReceivedMail extends Email {
  /** Whom the client named to SMTP, whatever the headers say. */
  recipients: string[];
  /** Whether it came through TLS. */
  secure: boolean;
}

/** What the sink does with a mail before it accepts it; what it throws refuses the mail. */
type Verdict = (mail: ReceivedMail) => Promise<void> | void;

/** The error that makes the sink answer with that SMTP code. */
export const smtpError = (responseCode: number, message: string) =>
  Object.assign(new Error(message), { responseCode });

/** How the sink differs from one that takes mail from anybody, in clear. */
export interface SinkOptions {
  /** Speaks TLS from the start, or offers it with STARTTLS; with a certificate that only those trust who were told. */
  tls?: 'from-start' | 'starttls';
  /** Takes mails from this user alone, and the login through TLS alone. */
  login?: { user: string; password: string };
}

/** An SMTP server on loopback that keeps what it is sent. */
export class SmtpSink {
  /** All mails that came in, refused ones too. */
  readonly offered: ReceivedMail[] = [];
  readonly accepted: ReceivedMail[] = [];
  /** How many mails were under way at once, at most. */
  maxConcurrent = 0;
  verdict: Verdict = () => {};
  /** What it says to a sender or a recipient before it sees the mail; what it throws refuses the address. */
  senderVerdict: (address: string) => void = () => {};
  recipientVerdict: (address: string) => void = () => {};
  /** What happens to a mail between its acceptance and the answer that tells of it. */
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

  /** Listens on a free port, or on one that was free before. */
  static async listen(port = 0, options: SinkOptions = {}): Promise<SmtpSink> {
    const sink = new SmtpSink(options);
    await new Promise<void>((resolve) => {
      sink.server.listen(port, '127.0.0.1', resolve);
    });
    sink.port = (sink.server.server.address() as AddressInfo).port;
    return sink;
  }

  /** As an operator would write it, with the login where there is one. */
  get url(): string {
    const { tls, login } = this.options;
    const credentials = login ? `${login.user}:${encodeURIComponent(login.password)}@` : '';
    return `${tls === 'from-start' ? 'smtps' : 'smtp'}://${credentials}127.0.0.1:${this.port}`;
  }

  /** From now on each mail waits for its answer until {@link release}. */
  hold(): void {
    const released = new Promise<void>((resolve) => (this.letGo = resolve));
    this.verdict = () => released;
  }

  /** Accepts what is held, and everything from now on. */
  release(): void {
    this.verdict = () => {};
    this.recipientVerdict = () => {};
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

  /** Ends as if its machine had lost power: connections break in the middle of whatever they do. */
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
      // Nobody is there any more who could be told that it was accepted.
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

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const closed = await SmtpSink.listen();
  await closed.close();
  return closed.port;
}
