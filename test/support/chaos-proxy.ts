import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export type Fault = 'cut' | 'cutAfter' | 'drop' | 'silence' | 'delay' | 'double';

/** How likely a fault is for each piece of data. */
const LIKELIHOODS: [Fault, number][] = [
  ['cut', 0.03],
  ['cutAfter', 0.04],
  ['drop', 0.01],
  ['silence', 0.004],
  ['delay', 0.2],
  ['double', 0.2],
];

const MAX_DELAY_MS = 400;
const DROPPED_MS = 1_500;

/**
 * A proxy of HTTP/1.1 and WebSockets that, at random, cuts connections before or after they passed something on, drops data and
 * cuts later or never, delays, and sends complete requests twice.
 */
export class ChaosProxy {
  readonly counts: Record<Fault, number> = { cut: 0, cutAfter: 0, drop: 0, silence: 0, delay: 0, double: 0 };
  isCalm = false;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  private constructor(
    private readonly targetPort: number,
    private readonly random: () => number,
  ) {
    this.server = createServer((client) => this.join(client));
  }

  static async open(targetPort: number, random: () => number): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(targetPort, random);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private join(client: Socket): void {
    const server = this.connect();
    this.sockets.add(client);
    const end = () => {
      client.destroy();
      server.destroy();
      this.sockets.delete(client);
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    let unfinished = Buffer.alloc(0);
    this.pass(client, server, end, (chunk) => {
      unfinished = Buffer.concat([unfinished, chunk]);
      if (!isCompleteRequest(unfinished)) return;
      if (this.happens('double')) this.sendAlone(unfinished);
      unfinished = Buffer.alloc(0);
    });
    this.pass(server, client, end, () => {});
  }

  private connect(): Socket {
    const socket = connect(this.targetPort, '127.0.0.1');
    this.sockets.add(socket);
    return socket.on('close', () => this.sockets.delete(socket));
  }

  private pass(from: Socket, to: Socket, end: () => void, onPassed: (chunk: Buffer) => void): void {
    let isSilent = false;
    from.on('data', (chunk: Buffer) => {
      if (isSilent) return;
      const fault = this.pick();
      if (fault === 'cut') return end();
      if (fault === 'drop' || fault === 'silence') {
        isSilent = true;
        if (fault === 'drop') setTimeout(end, DROPPED_MS);
        return;
      }
      const write = () => {
        if (!to.destroyed) to.write(chunk);
        onPassed(chunk);
        if (fault === 'cutAfter') to.end(() => setTimeout(end, 50));
      };
      if (fault !== 'delay') return write();
      from.pause();
      setTimeout(() => {
        write();
        from.resume();
      }, this.random() * MAX_DELAY_MS);
    });
  }

  /** Sends a request once more, on a connection of its own. */
  private sendAlone(request: Buffer): void {
    const socket = this.connect();
    const end = () => socket.destroy();
    socket.on('error', end).on('data', end);
    setTimeout(() => socket.write(request), this.random() * MAX_DELAY_MS);
    setTimeout(end, 10 * MAX_DELAY_MS);
  }

  private pick(): Fault | undefined {
    return LIKELIHOODS.map(([fault]) => fault).find((fault) => fault !== 'double' && this.happens(fault));
  }

  private happens(fault: Fault): boolean {
    const [, likelihood] = LIKELIHOODS.find(([known]) => known === fault)!;
    if (this.isCalm || this.random() >= likelihood) return false;
    this.counts[fault] += 1;
    return true;
  }
}

function isCompleteRequest(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0 || !/^(GET|POST|PUT|DELETE) /.test(text)) return false;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
  return text.length === end + 4 + length;
}
