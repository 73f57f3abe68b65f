import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyMultipartOptions } from '@fastify/multipart';
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { Settings } from '../config/settings.js';
import { clientErrorHandler, rejectUnknownExpectations, requestTimeout } from './client-errors.js';
import { allowOrigins, originHeaders } from './cors.js';
import { limitHandlers } from './deadline.js';
import { sendError } from './error.filter.js';
import { addHeadRoutes } from './head-routes.js';
import { deferBodyParsing } from './json-body.js';
import { trackOrigins } from './origin.js';
import { addSecurityHeaders, securityHeaders } from './security-headers.js';
import { closeGracefully, DrainingAdapter } from './shutdown.js';
import { limitSlowBodies } from './slow-clients.js';
import { takeTurns } from './turns.js';
import { rejectWrongMethods } from './wrong-methods.js';

/** Holds the longest message, of which JSON may escape each character as two sequences of six bytes. */
const MAX_BODY_BYTES = 262_144;

export function createAdapter(settings: Settings, logger: Logger): DrainingAdapter {
  const { httpTiming: timing } = settings;
  const security = securityHeaders(settings);
  const headersFor = (request?: IncomingMessage) => ({
    ...security,
    ...originHeaders(settings, request?.headers.origin),
  });
  const answerClientError = clientErrorHandler(headersFor);
  const adapter = new DrainingAdapter({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    trustProxy: settings.trustedProxies.length > 0 && settings.trustedProxies,
    bodyLimit: MAX_BODY_BYTES,
    multipart: { throwFileSizeLimit: false } satisfies FastifyMultipartOptions,
    exposeHeadRoutes: false,
    // Uploads may take long, but not stall: see limitSlowBodies.
    requestTimeout: 0,
    keepAliveTimeout: timing.idleMs,
    // A client that stops reading its answer.
    connectionTimeout: timing.stallMs,
    // Fastify's 503 is not in the API's dialect, so requests are served until the last connection closes.
    return503OnClosing: false,
    // As long as all headers may be: each route rejects parameters that are too long, after it has checked the token.
    routerOptions: { maxParamLength: 16_384 },
    // The contract defines `GET /api/files/`, a download without a file.
    rewriteUrl: ({ url = '/' }) => url.replace(/^\/api\/files\/(?=\?|$)/, '/api/files'),
    http: {
      // Node would answer a request without `Host` with an empty body.
      requireHostHeader: false,
      headersTimeout: timing.headersMs,
      connectionsCheckingInterval: timing.checkMs,
    },
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
      sendError(error, request, reply.headers({ ...headersFor(request.raw), 'x-request-id': request.id })),
    clientErrorHandler: (error, socket) => answerClientError(error, socket),
  });
  adapter.graceSeconds = settings.shutdownGrace;
  const fastify = adapter.getInstance();
  takeTurns(fastify);
  addSecurityHeaders(fastify, settings);
  trackOrigins(fastify);
  allowOrigins(fastify, settings);
  addHeadRoutes(fastify);
  rejectWrongMethods(fastify);
  limitHandlers(fastify);
  deferBodyParsing(fastify);
  limitSlowBodies(fastify, timing, (request) => answerClientError(requestTimeout(), request.socket, request));
  rejectUnknownExpectations(fastify.server, headersFor);
  closeGracefully(adapter, settings.shutdownTiming);
  return adapter;
}
