import type { ServerResponse } from 'node:http';
import type { EndReason } from './fan-out.js';
import { encodeSse, type LiveEvent } from './live-event.js';
import type { Outlet } from './stream.js';

const BEAT = Buffer.from(':\n\n');

/** Clients come back after 1 to 5 s, so that they do not all come back at once. */
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 5_000;

/** How long a client has to take the end of its stream. */
const LINGER_MS = 2_000;

/** Server-sent events. */
export class SseOutlet implements Outlet {
  readonly transport = 'sse';

  constructor(
    private readonly response: ServerResponse,
    private readonly headers: Record<string, string>,
  ) {}

  get waitingBytes(): number {
    return this.response.writableLength;
  }

  get takenBytes(): number {
    const { socket } = this.response;
    return socket ? socket.bytesWritten - socket.writableLength : 0;
  }

  start(id: string, isRecovered: boolean): void {
    this.response.writeHead(200, { ...this.headers, connection: 'close' });
    const retry = Math.floor(MIN_RETRY_MS + Math.random() * (MAX_RETRY_MS - MIN_RETRY_MS + 1));
    const data = JSON.stringify({ recovered: isRecovered });
    this.response.write(encodeSse({ id, event: 'ready', retry, data }));
  }

  encode(event: LiveEvent): Buffer {
    return event.sse;
  }

  write(bytes: Buffer): boolean {
    return this.response.write(bytes);
  }

  onClose(listener: () => void): void {
    if (this.response.destroyed) listener();
    else this.response.on('close', listener);
  }

  onceDrained(listener: () => void): void {
    onceEither(this.response, listener);
  }

  beat(): void {
    this.response.write(BEAT);
  }

  end(code: EndReason): void {
    // Before the start the request is answered with an error.
    if (!this.response.headersSent) return;
    const { socket } = this.response;
    this.response.end(encodeSse({ event: 'closed', data: JSON.stringify({ code }) }));
    setTimeout(() => socket?.destroy(), LINGER_MS).unref();
  }
}

/** Runs the listener once, when the stream is drained or closed. */
export function onceEither(stream: NodeJS.EventEmitter, listener: () => void): void {
  const run = () => {
    stream.off('drain', run);
    stream.off('close', run);
    listener();
  };
  stream.on('drain', run);
  stream.on('close', run);
}
