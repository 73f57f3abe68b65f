import cors from '@fastify/cors';
import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import type { Settings } from '../config/settings.js';

const EXPOSED_HEADERS = [
  'Content-Disposition',
  'ETag',
  'Idempotency-Replayed',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'x-request-id',
].join(', ');

/** Lets pages of other origins call every route, but never with credentials. */
export function allowOrigins(fastify: FastifyInstance, { corsOrigins: origin }: Settings): void {
  if (origin.length === 0) return;
  const options = {
    origin,
    methods: 'GET, HEAD, POST, PUT, DELETE',
    exposedHeaders: EXPOSED_HEADERS,
    // Chromium remembers an answer for no longer.
    maxAge: 7200,
  };
  cors(forPages(fastify), options, (error) => {
    if (error) throw error;
  });
}

/** Returns the headers that let a page read an answer to a request which Fastify's hooks do not see. */
export function originHeaders({ corsOrigins }: Settings, origin = ''): Record<string, string> {
  const allowed = corsOrigins === '*' ? '*' : corsOrigins.find((known) => known === origin);
  return allowed === undefined
    ? {}
    : { 'access-control-allow-origin': allowed, 'access-control-expose-headers': EXPOSED_HEADERS };
}

/**
 * Runs the plugin's hook only for what a page sends. The hook takes a third of the time of a short request, which other
 * clients need not wait for, and would answer any OPTIONS request.
 */
function forPages(fastify: FastifyInstance): FastifyInstance {
  const addHook = (name: 'onRequest', hook: onRequestHookHandler) =>
    fastify.addHook(name, function (request, reply, done) {
      const { origin, 'access-control-request-method': method } = request.headers;
      if (!origin || (request.method === 'OPTIONS' && !method)) done();
      else hook.call(this, request, reply, done);
    });
  return Object.create(fastify, { addHook: { value: addHook } });
}
