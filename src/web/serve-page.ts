import { join, sep } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Settings } from '../config/settings.js';
import { pageHeaders } from '../http/security-headers.js';

/** The build of `web/`. */
const FOLDER = join(import.meta.dirname, '../../web');
const ASSETS = join(FOLDER, 'assets') + sep;

/** Serves the page at `/`. Each of its files has a route of its own, so that other paths stay 404. */
export async function servePage(app: NestFastifyApplication, settings: Settings): Promise<void> {
  const headers = pageHeaders(settings);
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  await fastify.register(async (scope) => {
    scope.addHook('onRequest', (_request, reply, done) => {
      reply.headers(headers);
      done();
    });
    await scope.register(fastifyStatic, {
      root: FOLDER,
      wildcard: false,
      decorateReply: false,
      cacheControl: false,
      setHeaders: (reply, path) => {
        // Their names contain a hash of their contents.
        if (path.startsWith(ASSETS)) reply.header('cache-control', 'public, max-age=31536000, immutable');
      },
    });
  });
}
