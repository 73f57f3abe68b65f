import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './free-port.js';

/** A TCP proxy whose connections a test can break. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private server?: Server;
  port = 0;
  /** Connections that carry this are broken. */
  blocked?: RegExp;

  constructor(private readonly target: { host: string; port: number }) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Accepts connections, on the same port as before after {@link cut}. */
  async open(): Promise<void> {
    const server = createServer((client) => this.join(client, connect(this.target)));
    this.port ||= await freePort();
    await once(server.listen(this.port, '127.0.0.1'), 'listening');
    this.server = server;
  }

  /** Breaks every connection and rejects new ones. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.server?.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /** Lets nothing pass any more on connections that stay open. */
  freeze(): void {
    for (const socket of this.sockets) socket.unpipe();
    for (const socket of this.sockets) socket.pause();
  }

  private join(client: Socket, server: Socket): void {
    client.on('data', (chunk) => {
      if (this.blocked?.test(chunk.toString())) client.destroy();
    });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      this.sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}
