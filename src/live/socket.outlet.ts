import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { EndReason } from './fan-out.js';
import { encodeFrame, type LiveEvent } from './live-event.js';
import { onceEither } from './sse.outlet.js';
import { MAX_WAITING_BYTES, type Outlet } from './stream.js';

export const CLOSE_CODES = {
  token_invalid: 4401,
  no_hello: 4408,
  too_slow: 4413,
  rate_limited: 4429,
  restart: 1012,
} as const;

/** How long a client has to answer the end of its stream. */
const LINGER_MS = 2_000;

/** A WebSocket. Frames are written past the library, which would encode each event once for each client. */
export class SocketOutlet implements Outlet {
  readonly transport = 'websocket';
  private hasAnswered = true;

  constructor(
    private readonly client: WebSocket,
    private readonly socket: Socket,
  ) {
    client.on('pong', () => (this.hasAnswered = true));
  }

  get waitingBytes(): number {
    return this.socket.writableLength;
  }

  get takenBytes(): number {
    return this.socket.bytesWritten - this.socket.writableLength;
  }

  start(id: string, isRecovered: boolean): void {
    this.send({ type: 'ready', id, recovered: isRecovered });
  }

  send(frame: object): void {
    if (this.waitingBytes > MAX_WAITING_BYTES) return closeSocket(this.client, 'too_slow');
    if (this.client.readyState === this.client.OPEN) this.socket.write(encodeFrame(JSON.stringify(frame)));
  }

  encode(event: LiveEvent): Buffer {
    return event.frame;
  }

  write(bytes: Buffer): boolean {
    return this.client.readyState !== this.client.OPEN || this.socket.write(bytes);
  }

  onClose(listener: () => void): void {
    if (this.client.readyState === this.client.CLOSED) listener();
    else this.client.on('close', listener);
  }

  onceDrained(listener: () => void): void {
    onceEither(this.socket, listener);
  }

  beat(): void {
    if (!this.hasAnswered) return this.client.terminate();
    this.hasAnswered = false;
    this.client.ping();
  }

  end(reason: EndReason): void {
    closeSocket(this.client, reason);
  }
}

export function closeSocket(client: WebSocket, reason: keyof typeof CLOSE_CODES): void {
  // A paused socket would not emit `close`.
  client.resume();
  client.close(CLOSE_CODES[reason], reason);
  setTimeout(() => client.terminate(), LINGER_MS).unref();
}
