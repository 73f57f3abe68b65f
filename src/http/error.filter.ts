import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorBody } from './dialects.js';
import { type ErrorResponse, errorResponse } from './error-response.js';

/** Answers every error in the family's dialect, and logs those that nobody foresaw. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendError(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}

/** As {@link ErrorFilter}, for errors that come up before Nest has the request. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const response = errorResponse(error);
  logServerError(error, response, request);
  // The client is gone, or the answer is under way: nobody would read this one.
  if (reply.sent) return;
  if (response.retryAfter !== undefined) void reply.header('retry-after', response.retryAfter);
  void reply.header('x-request-id', request.id).status(response.status).send(errorBody(response, request));
}

/** Without query and body, which may hold a token or a digest. */
export function logServerError(
  error: unknown,
  { unexpected, status }: ErrorResponse,
  request: FastifyRequest,
): void {
  if (!unexpected) return;
  const route = request.routeOptions.url ?? 'unknown route';
  request.log.error({ err: error, method: request.method, route, status }, 'request failed');
}
