import type { FastifyInstance } from 'fastify';
import { ParleyError } from '../errors/errors.js';

/** Answers 405 with `Allow` where the path has routes, but none of the request's method. */
export function rejectWrongMethods(fastify: FastifyInstance): void {
  const routes: { segments: string[]; methods: string[] }[] = [];
  fastify.addHook('onRoute', ({ url, method }) => {
    routes.push({ segments: url.split('/'), methods: [method].flat() });
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done();
    const segments = request.url.split('?')[0].split('/');
    const allowed = routes.filter((route) => matches(route.segments, segments));
    if (allowed.length === 0) return done();
    const methods = new Set(allowed.flatMap((route) => route.methods));
    void reply.header('allow', [...methods].join(', '));
    done(new ParleyError('method_not_allowed', `method must be ${[...methods].join(' or ')}`));
  });
}

function matches(pattern: string[], segments: string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => (part.startsWith(':') ? segments[index] !== '' : part === segments[index]))
  );
}
