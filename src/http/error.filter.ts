import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ParleyError } from '../errors/errors.js';
import { errorBody } from './dialects.js';
import { errorResponse } from './error-response.js';

@Catch()
export class ErrorFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendError(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}

/** Answers an error in the dialect of the route, also before Nest has the request. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const response = errorResponse(error);
  logServerError(error, response, request);
  if (reply.sent) return;
  setRetryAfter(response, reply);
  void reply.status(response.status).send(errorBody(response, pathOf(request)));
}

/** Returns the path of the route, because that of the URL may be percent-encoded. */
function pathOf({ routeOptions, url }: FastifyRequest): string {
  return routeOptions.url ?? url.split('?')[0];
}

export function setRetryAfter({ retryAfter }: ParleyError, reply: FastifyReply): void {
  if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
}

/** Logs errors that no service foresaw, without query and body, which may contain secrets. */
export function logServerError(
  error: unknown,
  { status }: ParleyError,
  { method, routeOptions, log }: FastifyRequest,
): void {
  if (status < 500 || error instanceof ParleyError) return;
  log.error({ err: error, method, route: routeOptions.url ?? 'unknown route', status }, 'request failed');
}
