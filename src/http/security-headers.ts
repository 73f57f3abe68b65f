import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { contentSecurityPolicy, referrerPolicy, strictTransportSecurity, xContentTypeOptions } from 'helmet';
import type { Settings } from '../config/settings.js';

type Headers = Record<string, string>;

const NOTHING = { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] };

/** Swagger UI has inline styles, and `data:` images in its style sheet. */
const DOCUMENTS = {
  ...NOTHING,
  'script-src': ["'self'"],
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
};

/** The page at `/`. It fetches pictures with the user's token, and shows them as blobs. */
const PAGE = {
  ...NOTHING,
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'blob:'],
  'media-src': ["'self'", 'blob:'],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
};

/** Returns the headers of every answer whose route does not set others. */
export function securityHeaders(settings: Settings): Headers {
  return headersOf(settings, NOTHING);
}

export function pageHeaders(settings: Settings): Headers {
  return headersOf(settings, PAGE);
}

/** Runs before all other hooks. The headers are computed once: helmet takes a sixth of the time of a short request. */
export function addSecurityHeaders(fastify: FastifyInstance, settings: Settings): void {
  const usual = securityHeaders(settings);
  const documents = headersOf(settings, DOCUMENTS);
  fastify.addHook('onRequest', ({ routeOptions }, reply, done) => {
    reply.headers(routeOptions.url?.startsWith('/api/docs') ? documents : usual);
    done();
  });
}

function headersOf({ publicUrl }: Settings, directives: Record<string, string[]>): Headers {
  const headers: Headers = { 'cache-control': 'no-store' };
  const response = {
    setHeader: (name: string, value: string) => (headers[name.toLowerCase()] = value),
  } as unknown as ServerResponse;
  const writers = [
    contentSecurityPolicy({ useDefaults: false, directives }),
    referrerPolicy(),
    xContentTypeOptions(),
    ...(publicUrl.startsWith('https:') ? [strictTransportSecurity({ includeSubDomains: false })] : []),
  ];
  for (const write of writers) write({} as IncomingMessage, response, () => {});
  return headers;
}
