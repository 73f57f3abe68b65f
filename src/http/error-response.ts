import { HttpException } from '@nestjs/common';
import type { FastifyError } from 'fastify';
import { isUnavailable } from '../database/driver-errors.js';
import { ParleyError } from '../errors/errors.js';

export const malformedRequest = (message: string, status?: number) =>
  new ParleyError('malformed_request', message, { status });

export const bodyTooLarge = () => new ParleyError('too_large', 'request body is too large');
export const internalError = () => new ParleyError('internal', 'internal server error');

export const databaseUnavailable = () =>
  new ParleyError('unavailable', 'the database is unavailable, try again later');

export const tookTooLong = () => new ParleyError('unavailable', 'the request took too long, try again later');

const FASTIFY_ERRORS: Record<string, ParleyError | undefined> = {
  FST_ERR_CTP_BODY_TOO_LARGE: bodyTooLarge(),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: malformedRequest("header 'Content-Type' must be 'application/json'"),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: malformedRequest("header 'Content-Length' must match the request body"),
  FST_ERR_BAD_URL: malformedRequest('request path must be valid percent-encoded UTF-8'),
  ECONNRESET: malformedRequest('request was aborted'),
};

/** Returns what the caller is told of anything that was thrown. */
export function errorResponse(error: unknown): ParleyError {
  if (error instanceof ParleyError) return error;
  if (isUnavailable(error)) return databaseUnavailable();
  // Nest wraps Fastify's errors.
  const thrown = error instanceof HttpException ? (error.cause ?? error) : error;
  const { code, statusCode = 500, message } = (thrown ?? {}) as FastifyError;
  const known = FASTIFY_ERRORS[code];
  if (known) return known;
  const status: number = error instanceof HttpException ? error.getStatus() : statusCode;
  // Nest's message repeats the URL, which may contain a token. The files of the documents answer 403 outside their folder.
  if (status === 404 || status === 403) return new ParleyError('route_not_found', 'route does not exist');
  const isClientError = status >= 400 && status < 500;
  return isClientError ? malformedRequest(message, status) : internalError();
}
