import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ParleyError } from '../errors/errors.js';
import { errorBody } from './dialects.js';

const TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT';
const LINGER_MS = 2_000;

const CLIENT_ERRORS: Record<string, [string, string] | undefined> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'request headers are too large'],
  [TIMEOUT]: ['408 Request Timeout', 'request took too long'],
};
const NOT_HTTP: [string, string] = ['400 Bad Request', 'request is not valid HTTP'];

/** As Node's own for headers that take too long. */
export const requestTimeout = () => Object.assign(new Error('request took too long'), { code: TIMEOUT });

/** Returns the headers of an answer; of a request that Node could not parse the URL and the headers are unknown. */
type HeadersFor = (request?: IncomingMessage) => Record<string, string>;

/** Answers requests that Node could not parse or that take too long, without Fastify. */
export function clientErrorHandler(headersFor: HeadersFor) {
  return (error: Error & { code?: string }, socket: Socket, request?: IncomingMessage): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    const [status, reason] = CLIENT_ERRORS[error.code ?? ''] ?? NOT_HTTP;
    const { headers, body } = answer(reason, headersFor, request);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`);
    // Close at once after a time-out, so that the request cannot finish. Other clients may read the answer only after
    // sending.
    if (error.code === TIMEOUT) socket.destroySoon();
    else setTimeout(() => socket.destroy(), LINGER_MS).unref();
  };
}

/** Answers 417 to an `Expect` header other than `100-continue`; Node's own answer has no body. */
export function rejectUnknownExpectations(server: Server, headersFor: HeadersFor): void {
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const { headers, body } = answer("header 'Expect' must be '100-continue'", headersFor, request);
    response.writeHead(417, headers).end(body);
  });
}

function answer(reason: string, headersFor: HeadersFor, request?: IncomingMessage) {
  const error = new ParleyError('malformed_request', reason);
  const body = JSON.stringify(errorBody(error, request?.url?.split('?')[0] ?? ''));
  const headers = {
    ...headersFor(request),
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
    Connection: 'close',
    'x-request-id': randomUUID(),
  };
  return { headers, body };
}
