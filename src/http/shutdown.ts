import type { FastifyInstance } from 'fastify';

const SHUTDOWN_TIMEOUT_MS = 5_000;

/** Lets a shutdown wait for open requests, but not for idle connections, and at most SHUTDOWN_TIMEOUT_MS. */
export function limitShutdown(fastify: FastifyInstance): void {
  let isClosing = false;
  fastify.addHook('preClose', (done) => {
    isClosing = true;
    setTimeout(() => fastify.server.closeAllConnections(), SHUTDOWN_TIMEOUT_MS).unref();
    done();
  });
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (isClosing) void reply.header('connection', 'close');
    done(null, payload);
  });
}
