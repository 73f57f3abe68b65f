import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { failure } from './chat-dialect.js';

/** What Node's HTTP parser refuses, by its code; anything else is no HTTP at all. */
const CLIENT_ERRORS: Record<string, [string, string] | undefined> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'request headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'request took too long'],
};

const JSON_TYPE = 'application/json; charset=utf-8';

/** Requests that Node refuses before Fastify sees them are answered in the dialect of the API all the same. */
export function refuseBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, reason] = CLIENT_ERRORS[error.code ?? ''] ?? [
    '400 Bad Request',
    'request is not valid HTTP',
  ];
  const body = JSON.stringify(failure(reason));
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** As {@link refuseBrokenRequest}, for a header `Expect` that asks for something unheard of. */
export function refuseExpectations(server: Server): void {
  server.on('checkExpectation', (_: IncomingMessage, response: ServerResponse) => {
    const body = JSON.stringify(failure("header 'Expect' must be '100-continue'"));
    const headers = { 'Content-Type': JSON_TYPE, 'Content-Length': body.length, Connection: 'close' };
    response.writeHead(417, headers).end(body);
  });
}
