import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { HttpTiming } from '../config/settings.js';

/** In bytes a second. */
const MIN_UPLOAD_RATE = 10_000;

/**
 * Cuts off clients that do not finish a body in time. An upload has to go on at a minimum rate, which is measured over
 * `uploadWindowMs`. `timeOut` answers unless an answer is already under way.
 */
export function limitSlowBodies(
  fastify: FastifyInstance,
  { bodyMs, uploadWindowMs }: HttpTiming,
  timeOut: (request: IncomingMessage) => void,
): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const { raw } = request;
    if (hasBody(raw)) {
      // `deferBodyParsing` has removed every content type but multipart.
      const isUpload = request.headers['content-type'] !== undefined;
      const { socket } = raw;
      let seen = socket.bytesRead;
      const minBytes = (MIN_UPLOAD_RATE * uploadWindowMs) / 1000;
      const timer = setInterval(
        () => {
          const received = socket.bytesRead - seen;
          seen = socket.bytesRead;
          if (isUpload && received >= minBytes) return;
          clearInterval(timer);
          if (reply.raw.headersSent) socket.destroy();
          else timeOut(raw);
        },
        isUpload ? uploadWindowMs : bodyMs,
      );
      raw.once('close', () => clearInterval(timer));
    }
    done();
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
