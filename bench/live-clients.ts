import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Node reads all sockets into one buffer, which saves an allocation per read. */
const READ_BUFFER = Buffer.allocUnsafe(65_536);

const TEXT_FRAME = 0x81;
const PING_FRAME = 0x89;
const PONG_FRAME = 0x8a;

export type Handler = (bytes: Buffer, start: number, end: number) => void;

/** A socket that costs the load generator as little as possible: it splits bytes and never parses JSON. */
abstract class RawSocket {
  protected readonly socket: Socket;
  private rest?: Buffer;
  private isClosing = false;

  constructor(url: string) {
    const { hostname: host, port } = new URL(url);
    const callback = (size: number) => {
      this.read(READ_BUFFER.subarray(0, size));
      return true;
    };
    this.socket = connect({
      host,
      port: Number(port),
      noDelay: true,
      onread: { buffer: READ_BUFFER, callback },
    });
    this.socket.on('error', fail);
    this.socket.on('close', () => {
      if (!this.isClosing) fail(new Error('the server has closed a connection'));
    });
  }

  async close(): Promise<void> {
    this.isClosing = true;
    const closed = once(this.socket, 'close');
    this.socket.destroy();
    await closed;
  }

  /** Handles what begins at `start`, and returns where it ends: `start` while it is incomplete. */
  protected abstract take(bytes: Buffer, start: number): number;

  private read(bytes: Buffer): void {
    const all = this.rest ? Buffer.concat([this.rest, bytes]) : bytes;
    let start = 0;
    let end = this.take(all, start);
    while (end > start) {
      start = end;
      end = this.take(all, start);
    }
    this.rest = start < all.length ? Buffer.from(all.subarray(start)) : undefined;
  }
}

/** Ends the run: an error that is thrown while a socket is read would skip the clean-up. */
export function fail(reason: Error): void {
  void Promise.reject(reason);
}

const headEnd = (bytes: Buffer, start: number) => bytes.indexOf('\r\n\r\n', start) + 4;

function requireStatus(bytes: Buffer, start: number, status: number): void {
  const line = bytes.toString('latin1', start, start + 12);
  if (line !== `HTTP/1.1 ${status}`) fail(new Error(`answered ${bytes.toString('utf8', start)}`));
}

/** A REST client with one connection, which it keeps. */
export class RestSocket extends RawSocket {
  private readonly waiting: (() => void)[] = [];

  /** Resolves with the answer. An answer other than 200 ends the run. */
  get(path: string, token: string): Promise<void> {
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${token}\r\n\r\n`);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** As {@link get}. */
  post(path: string, token: string, json: string, idempotencyKey?: string): Promise<void> {
    const key = idempotencyKey ? `Idempotency-Key: ${idempotencyKey}\r\n` : '';
    const length = Buffer.byteLength(json);
    this.socket.write(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${token}\r\n${key}` +
        `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${json}`,
    );
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  protected take(bytes: Buffer, start: number): number {
    const bodyStart = headEnd(bytes, start);
    if (bodyStart < 4) return start;
    requireStatus(bytes, start, 200);
    const length = /\r\ncontent-length: (\d+)/i.exec(bytes.toString('latin1', start, bodyStart))?.[1];
    const end = bodyStart + Number(length);
    if (end > bytes.length) return start;
    this.waiting.shift()?.();
    return end;
  }
}

/** A stream of live events. */
export abstract class LiveStream extends RawSocket {
  /** Called for each event with the bytes that contain it. */
  onEvent: Handler = () => {};
  /** Resolves with the event id at which the stream begins. */
  readonly ready: Promise<string>;
  protected becomeReady: (id: string) => void = () => {};
  protected abstract readonly status: number;
  private isOpen = false;

  constructor(url: string, path: string, headers: string[]) {
    super(url);
    this.ready = new Promise((resolve) => {
      this.becomeReady = resolve;
    });
    this.socket.write(
      [`GET ${path} HTTP/1.1`, `Host: ${new URL(url).host}`, ...headers, '', ''].join('\r\n'),
    );
  }

  protected abstract onOpen(): void;
  protected abstract takeItem(bytes: Buffer, start: number): number;

  protected take(bytes: Buffer, start: number): number {
    if (this.isOpen) return this.takeItem(bytes, start);
    const end = headEnd(bytes, start);
    if (end < 4) return start;
    requireStatus(bytes, start, this.status);
    this.isOpen = true;
    this.onOpen();
    return end;
  }
}

/** Server-sent events. Their blocks end with an empty line, which the chunks of HTTP do not contain. */
export class EventSourceStream extends LiveStream {
  protected readonly status = 200;

  constructor(url: string, token: string, since = '') {
    const resume = since ? [`Last-Event-ID: ${since}`] : [];
    super(url, '/api/events', ['Accept: text/event-stream', `Authorization: ${token}`, ...resume]);
  }

  protected onOpen(): void {}

  protected takeItem(bytes: Buffer, start: number): number {
    const end = bytes.indexOf('\n\n', start) + 2;
    if (end < 2) return start;
    // The head of a block: its event type comes before its data.
    const head = bytes.toString('latin1', start, Math.min(end, start + 600));
    if (head.includes('event: message')) this.onEvent(bytes, start, end);
    else if (head.includes('event: ready')) this.becomeReady(/^id: (\S+)/m.exec(head)?.[1] ?? '');
    else if (head.includes('event: ')) fail(new Error(`the stream has sent ${head}`));
    return end;
  }
}

export class WebSocketStream extends LiveStream {
  private onAck = () => {};
  protected readonly status = 101;

  constructor(
    url: string,
    token: string,
    private readonly since?: string,
    path = '/api/ws',
  ) {
    super(url, path, [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      ...(token ? [`Authorization: ${token}`] : []),
    ]);
  }

  /** Sends a frame whose mask is zero, so that it needs no masking. */
  protected send(text: string, type = TEXT_FRAME): void {
    const length = Buffer.byteLength(text);
    const frame = Buffer.alloc(length + (length < 126 ? 6 : 8));
    frame[0] = type;
    if (length < 126) frame[1] = 0x80 + length;
    else {
      frame[1] = 0x80 + 126;
      frame.writeUInt16BE(length, 2);
    }
    frame.write(text, frame.length - length);
    this.socket.write(frame);
  }

  /** Sends a frame and resolves when it is acknowledged. At most one may be under way. */
  request(text: string): Promise<void> {
    this.send(text);
    return new Promise((resolve) => {
      this.onAck = resolve;
    });
  }

  protected onOpen(): void {
    this.send(JSON.stringify({ type: 'hello', since: this.since }));
  }

  protected takeItem(bytes: Buffer, start: number): number {
    const isShort = bytes[start + 1] < 126;
    if (start + (isShort ? 2 : 4) > bytes.length) return start;
    const textStart = start + (isShort ? 2 : 4);
    const end = textStart + (isShort ? bytes[start + 1] : bytes.readUInt16BE(start + 2));
    if (end > bytes.length) return start;
    if (bytes[start] === TEXT_FRAME) this.onText(bytes, textStart, end);
    else if (bytes[start] === PING_FRAME) this.send(bytes.toString('latin1', textStart, end), PONG_FRAME);
    else fail(new Error(`the stream has sent ${bytes.toString('latin1', start, end)}`));
    return end;
  }

  protected onText(bytes: Buffer, start: number, end: number): void {
    const head = bytes.toString('latin1', start, start + 16);
    if (head.startsWith('{"type":"ack"')) this.onAck();
    else if (head.startsWith('{"type":"ready"')) {
      this.becomeReady((JSON.parse(bytes.toString('utf8', start, end)) as { id: string }).id);
    } else if (head.startsWith('{"type":"error"')) fail(new Error(bytes.toString('utf8', start, end)));
    else this.onEvent(bytes, start, end);
  }
}

/** Speaks the protocols of Engine.IO 4 and Socket.IO 5: the first digits of a text tell what it is. */
export class SocketIoStream extends WebSocketStream {
  constructor(url: string) {
    super(url, '', undefined, '/socket.io/?EIO=4&transport=websocket');
  }

  protected override onOpen(): void {}

  protected override onText(bytes: Buffer, start: number, end: number): void {
    const head = bytes.toString('latin1', start, Math.min(end, start + 2));
    if (head === '0{') this.send('40');
    else if (head === '2') this.send('3');
    else if (head === '40') this.becomeReady('');
    else this.onEvent(bytes, start, end);
  }
}
