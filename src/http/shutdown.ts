import { Server } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { ShutdownTiming } from '../config/settings.js';

/** Bounds `acceptWaiting` under a flood of connections. */
const MAX_ACCEPT_MS = 1_000;

/**
 * Delays a shutdown by `graceSeconds`, in which every request is served and `/api/health/ready` answers 503. Then it stops
 * listening, while kept connections go on.
 */
export class DrainingAdapter extends FastifyAdapter {
  graceSeconds = 0;
  isDraining = false;
  stopListening = (): void => {};

  /** Nest awaits this method before it stops anything. */
  override async beforeClose(): Promise<void> {
    this.isDraining = true;
    await sleep(this.graceSeconds * 1000);
    await acceptWaiting(this.getHttpServer());
    super.beforeClose();
    this.stopListening();
  }
}

/**
 * Resolves when no connection waits to be accepted. Node accepts one connection in each turn of its event loop, and the system
 * resets those that still wait when the listener closes.
 */
async function acceptWaiting(server: Server): Promise<void> {
  const deadline = performance.now() + MAX_ACCEPT_MS;
  let hasAccepted = true;
  const note = () => (hasAccepted = true);
  server.on('connection', note);
  while (hasAccepted && performance.now() < deadline) {
    hasAccepted = false;
    await nextTurn();
  }
  server.off('connection', note);
}

/**
 * Closes connections so that no client loses a request. For `keptMs` a kept connection waits for one more request, whose answer
 * closes it: a server that closes an idle connection may close it while a request is on its way. Cuts what is left after
 * `transferMs`. Both count from the moment at which the listener closes.
 */
export function closeGracefully(adapter: DrainingAdapter, { keptMs, transferMs }: ShutdownTiming): void {
  const fastify = adapter.getInstance();
  const { server } = fastify;
  let allClosed: Promise<void> | undefined;

  adapter.stopListening = () => {
    if (!server.listening) return;
    allClosed = new Promise((resolve) => {
      const timer = setTimeout(resolve, keptMs);
      server.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    setTimeout(() => server.closeAllConnections(), transferMs).unref();
    // Node's HTTP server would also close its idle connections.
    Server.prototype.close.call(server);
  };
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (allClosed) void reply.header('connection', 'close');
    done(null, payload);
  });
  // Fastify then closes the idle connections that are left, and waits for the others.
  fastify.addHook('preClose', async () => allClosed);
}
