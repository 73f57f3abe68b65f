import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { WebSocketServer } from 'ws';

const SOCKET_PATH = '/api/ws';

const MAX_FRAME_BYTES = 262_144;

/** What Node hands over with a request to upgrade. */
export interface Upgrade {
  socket: Socket;
  head: Buffer;
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** Returns the connection of a valid request for a WebSocket; undefined for any other request. */
export function findUpgrade(request: IncomingMessage): Upgrade | undefined {
  const { 'sec-websocket-key': key, 'sec-websocket-version': version } = request.headers;
  const isValid = version === '13' && key !== undefined && /^[+/0-9a-z]{22}==$/i.test(key);
  return isValid ? upgrades.get(request) : undefined;
}

/**
 * Passes requests for a WebSocket through Fastify as any other request, so that hooks, guards and errors are the same. The
 * route then calls {@link WebSocketServer.handleUpgrade}.
 */
export class SocketAdapter extends WsAdapter {
  constructor(private readonly app: NestFastifyApplication) {
    super(app);
  }

  override create(): WebSocketServer {
    const fastify = this.app.getHttpAdapter().getInstance();
    const { server } = fastify;
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      // Of pipelined requests, an earlier one still uses the connection.
      if (Reflect.get(socket, '_httpMessage')) {
        socket.destroy();
        return;
      }
      if (!isHandshake(request)) {
        requestAgain(server, request, socket, head);
        return;
      }
      // Until the upgrade nobody else listens.
      socket.on('error', () => socket.destroy());
      upgrades.set(request, { socket, head });
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(socket);
      response.on('finish', () => socket.destroySoon());
      fastify.routing(request, response);
    });
    return new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, clientTracking: false });
  }

  /** The gateway reads the frames itself, because they take effect in their order. */
  override bindMessageHandlers(): void {}

  override bindClientDisconnect(): void {}
}

function isHandshake({ method, url = '', headers }: IncomingMessage): boolean {
  const path = url.split('?')[0];
  return method === 'GET' && path === SOCKET_PATH && headers.upgrade?.toLowerCase() === 'websocket';
}

/** Has Node read a request once more, without the upgrade that it offers (`h2c`, for instance). */
function requestAgain(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { rawHeaders, method, url, httpVersion } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let n = 0; n < rawHeaders.length; n += 2) {
    const [name, value] = [rawHeaders[n], rawHeaders[n + 1]];
    if (/^(upgrade|http2-settings)$/i.test(name)) continue;
    const options = value.split(',').filter((option) => !/^\s*(upgrade|http2-settings)\s*$/i.test(option));
    lines.push(`${name}: ${/^connection$/i.test(name) ? options.join(',') : value}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}
