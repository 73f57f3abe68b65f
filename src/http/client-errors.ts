import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { failure } from './chat-dialect.js';

const CLIENT_ERRORS: Record<string, [string, string] | undefined> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'request headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'request took too long'],
};
const NOT_HTTP: [string, string] = ['400 Bad Request', 'request is not valid HTTP'];

const JSON_TYPE = 'application/json; charset=utf-8';

/** Answers a request that Node could not parse, and which Fastify therefore never sees. */
export function handleClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, reason] = CLIENT_ERRORS[error.code ?? ''] ?? NOT_HTTP;
  const body = JSON.stringify(failure(reason));
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Answers 417 to an `Expect` header other than `100-continue`; Node's own answer has no body. */
export function rejectUnknownExpectations(server: Server): void {
  server.on('checkExpectation', (_: unknown, response: ServerResponse) => {
    const body = JSON.stringify(failure("header 'Expect' must be '100-continue'"));
    const headers = { 'Content-Type': JSON_TYPE, 'Content-Length': body.length, Connection: 'close' };
    response.writeHead(417, headers).end(body);
  });
}
