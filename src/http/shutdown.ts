import { setTimeout as sleep } from 'node:timers/promises';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';

const SHUTDOWN_TIMEOUT_MS = 5_000;

/** Delays a shutdown by `graceSeconds`. Meanwhile every request is served, and `/api/health/ready` answers 503. */
export class DrainingAdapter extends FastifyAdapter {
  graceSeconds = 0;
  isDraining = false;

  /** Nest awaits this method before it stops anything. */
  override async beforeClose(): Promise<void> {
    this.isDraining = true;
    await sleep(this.graceSeconds * 1000);
    super.beforeClose();
  }
}

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
