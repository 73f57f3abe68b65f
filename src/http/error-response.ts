import { HttpException, NotFoundException } from '@nestjs/common';
import type { FastifyError } from 'fastify';
import { isUnavailable } from '../database/driver-errors.js';
import { ParleyError, STATUS_OF } from '../errors/errors.js';

export interface ErrorResponse {
  status: number;
  message: string;
  /** In seconds, with 429. */
  retryAfter?: number;
}

const FASTIFY_ERRORS: Record<string, ErrorResponse | undefined> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, message: 'request body is too large' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 400,
    message: "header 'Content-Type' must be 'application/json'",
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    message: "header 'Content-Length' must match the request body",
  },
  FST_ERR_BAD_URL: { status: 400, message: 'request path must be valid percent-encoded UTF-8' },
  ECONNRESET: { status: 400, message: 'request was aborted' },
};

export function errorResponse(error: unknown): ErrorResponse {
  if (error instanceof ParleyError) {
    const { kind, message, retryAfter } = error;
    return { status: STATUS_OF[kind], message, retryAfter };
  }
  if (isUnavailable(error)) return { status: 503, message: 'the database is unavailable, try again later' };
  // Nest wraps Fastify's errors.
  const thrown = error instanceof HttpException ? (error.cause ?? error) : error;
  const { code, statusCode = 500, message } = (thrown ?? {}) as FastifyError;
  const known = FASTIFY_ERRORS[code];
  if (known) return known;
  // Nest's message repeats the URL, which may contain a token.
  if (error instanceof NotFoundException) return { status: 404, message: 'route does not exist' };
  if (error instanceof HttpException) return { status: error.getStatus(), message: error.message };
  if (statusCode >= 400 && statusCode < 500) return { status: statusCode, message };
  return { status: 500, message: 'internal server error' };
}
