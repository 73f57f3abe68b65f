import { HttpException, HttpStatus, NotFoundException } from '@nestjs/common';
import type { FastifyError } from 'fastify';
import { isUnavailable } from '../database/driver-errors.js';
import { ParleyError, STATUS_OF } from '../errors/errors.js';

/** What a caller is told of an error. */
export interface ErrorResponse {
  status: number;
  message: string;
  /** In seconds, with 429. */
  retryAfter?: number;
  /** Nobody foresaw it: it goes into the log, with its stack. */
  unexpected: boolean;
}

/** Fastify's own refusals, by code, where its words are not the contract's. */
const FASTIFY_ERRORS: Record<string, [HttpStatus, string] | undefined> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [HttpStatus.PAYLOAD_TOO_LARGE, 'request body is too large'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    HttpStatus.BAD_REQUEST,
    "header 'Content-Type' must be 'application/json'",
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    HttpStatus.BAD_REQUEST,
    "header 'Content-Length' must match the request body",
  ],
  // The client went away: nobody reads this.
  ECONNRESET: [HttpStatus.BAD_REQUEST, 'request was aborted'],
  FST_ERR_BAD_URL: [HttpStatus.BAD_REQUEST, 'request path must be valid percent-encoded UTF-8'],
};

/** Turns anything thrown into what the caller is told: the one place where this is decided. */
export function errorResponse(error: unknown): ErrorResponse {
  if (error instanceof ParleyError) {
    return { ...expected(STATUS_OF[error.kind], error.message), retryAfter: error.retryAfter };
  }
  if (isUnavailable(error)) {
    return { status: 503, message: 'the database is unavailable, try again later', unexpected: true };
  }
  // Nest wraps what Fastify throws.
  const thrown = error instanceof HttpException ? (error.cause ?? error) : error;
  const { code, statusCode, message } = (thrown ?? {}) as FastifyError;
  const known = FASTIFY_ERRORS[code];
  if (known) return expected(...known);
  // Nest's words for an unknown route repeat the URL, which may hold a token.
  if (error instanceof NotFoundException) return expected(404, 'route does not exist');
  if (error instanceof HttpException) return expected(error.getStatus(), error.message);
  if (statusCode && statusCode >= 400 && statusCode < 500) return expected(statusCode, message);
  return { status: 500, message: 'internal server error', unexpected: true };
}

function expected(status: number, message: string): ErrorResponse {
  return { status, message, unexpected: false };
}
