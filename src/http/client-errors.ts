import { randomUUID } from 'node:crypto';
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ParleyError } from '../errors/errors.js';
import { failure } from './chat-dialect.js';

const TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT';
const LINGER_MS = 2_000;

const CLIENT_ERRORS: Record<string, [string, string] | undefined> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'request headers are too large'],
  [TIMEOUT]: ['408 Request Timeout', 'request took too long'],
};
const NOT_HTTP: [string, string] = ['400 Bad Request', 'request is not valid HTTP'];

/** As Node's own for headers that take too long. */
export const requestTimeout = () => Object.assign(new Error('request took too long'), { code: TIMEOUT });

type Headers = Record<string, string>;

/** Answers requests that Node could not parse, and which Fastify therefore never sees. */
export function clientErrorHandler(securityHeaders: Headers) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    const [status, reason] = CLIENT_ERRORS[error.code ?? ''] ?? NOT_HTTP;
    const { headers, body } = answer(reason, securityHeaders);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`);
    // A client that is too slow must not finish its request any more. Others may be sending, and read only then.
    if (error.code === TIMEOUT) socket.destroySoon();
    else setTimeout(() => socket.destroy(), LINGER_MS).unref();
  };
}

/** Answers 417 to an `Expect` header other than `100-continue`; Node's own answer has no body. */
export function rejectUnknownExpectations(server: Server, securityHeaders: Headers): void {
  server.on('checkExpectation', (_: unknown, response: ServerResponse) => {
    const { headers, body } = answer("header 'Expect' must be '100-continue'", securityHeaders);
    response.writeHead(417, headers).end(body);
  });
}

function answer(reason: string, securityHeaders: Headers) {
  const body = JSON.stringify(failure(reason, new ParleyError('malformed_request', reason)));
  const headers = {
    ...securityHeaders,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
    Connection: 'close',
    'x-request-id': randomUUID(),
  };
  return { headers, body };
}
