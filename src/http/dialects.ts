import type { FastifyRequest } from 'fastify';
import { failure } from './chat-dialect.js';
import type { ErrorResponse } from './error-response.js';

/** How one family of routes writes its errors ("The API contract", table of families). */
export interface Dialect {
  /** The paths of the family; each one stands for all paths below it, too. */
  paths: string[];
  errorBody(response: ErrorResponse): object;
}

const dialects: Dialect[] = [];

/** Called once per process by the module that owns the dialect's routes. All other paths belong to the Chat App API. */
export function registerDialect(dialect: Dialect): void {
  dialects.push(dialect);
}

export function errorBody(response: ErrorResponse, request: FastifyRequest): object {
  // A route's own path, because the URL may be percent-encoded.
  const path = request.routeOptions.url ?? request.url.split('?')[0];
  const dialect = dialects.find(({ paths }) =>
    paths.some((family) => path === family || path.startsWith(`${family}/`)),
  );
  return dialect ? dialect.errorBody(response) : failure(response.message);
}
