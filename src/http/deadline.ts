import type { FastifyInstance } from 'fastify';
import { DATABASE_DEADLINE_MS } from '../database/driver.js';
import { sendError } from './error.filter.js';
import { tookTooLong } from './error-response.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The handler may take longer, because it transfers bytes or hashes. */
    takesTime?: boolean;
  }
}

/**
 * Answers 503 when a handler takes longer than DATABASE_DEADLINE_MS. Each read and each unit of work has the same limit, so
 * what the handler has begun ends soon as well; a write may still take effect, as after any lost answer. Fastify's `handlerTimeout` would also count the time that the body takes.
 */
export function limitHandlers(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    if (route.config?.takesTime) return;
    const { handler } = route;
    route.handler = function (request, reply) {
      const result: unknown = handler.call(this, request, reply);
      if (!(result instanceof Promise)) return result;
      const timer = setTimeout(() => {
        sendError(tookTooLong(), request, reply);
        // Fastify would log the address of a late answer, which may contain a token.
        reply.send = () => reply;
      }, DATABASE_DEADLINE_MS);
      const stop = () => clearTimeout(timer);
      result.then(stop, stop);
      return result;
    };
  });
}
