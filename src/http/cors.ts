import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Settings } from '../config/settings.js';

const OPTIONS = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
  exposedHeaders: [
    'Content-Disposition',
    'ETag',
    'Idempotency-Replayed',
    'RateLimit',
    'RateLimit-Policy',
    'Retry-After',
    'x-request-id',
  ],
  // Chromium remembers an answer for no longer.
  maxAge: 7200,
};

/** Lets pages of other origins call every route ("Browsers" in the contract), but never with credentials. */
export function allowOrigins(app: NestFastifyApplication, { corsOrigins: origin }: Settings): void {
  if (origin.length === 0) return;
  app.enableCors({
    delegator: (request, done) => {
      // Any other OPTIONS request is an unknown route, as without CORS.
      const preflight = 'access-control-request-method' in request.headers;
      done(null, { ...OPTIONS, origin, preflight });
    },
  });
}
