import type { FastifyInstance } from 'fastify';
import type { Metrics } from './metrics.js';

/** The route of requests for which there is none. Their addresses would make a series each. */
const NO_ROUTE = 'none';

/**
 * Observes how long requests take until they are answered, by the pattern of their route. `onSend` does not run for streams
 * of events and WebSockets, which `onResponse` would count as requests of hours.
 */
export function timeRequests(fastify: FastifyInstance, { requestSeconds }: Metrics): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const { method, routeOptions } = request;
    const labels = { method, route: routeOptions.url ?? NO_ROUTE, status: reply.statusCode };
    requestSeconds.observe(labels, reply.elapsedTime / 1000);
    done(null, payload);
  });
}
