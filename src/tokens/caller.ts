import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ParleyError } from '../errors/errors.js';
import type { Origin } from '../http/origin.js';
import type { LocalLimit } from '../limits/limits.js';
import type { TokenKind } from './token.entity.js';

export interface Caller {
  userId: number;
  username: string;
  /** The `jti` of the request's token. */
  tokenId: string;
  /** When the token expires, in seconds since the Unix epoch. */
  expiresAt: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the token guard; undefined on public routes. */
    user?: Caller;
  }
}

export const TOKEN_KIND = 'parley:token-kind';

/** Marks a route that requires another kind of token than authentication tokens. */
export const RequiresToken = (kind: TokenKind) => SetMetadata(TOKEN_KIND, kind);

/** Marks a route that requires no token. */
export const Public = () => SetMetadata(TOKEN_KIND, 'none');

/** Marks a public route that no limit counts. */
export const PublicUncounted = () => SetMetadata(TOKEN_KIND, 'uncounted');

/** Marks a route that checks a token if the request has one. */
export const OptionalToken = () => SetMetadata(TOKEN_KIND, 'optional');

export const COUNTED_AS = 'parley:counted-as';

/** Counts a route by a limit of its own, instead of with the user's other calls. */
export const CountedAs = (limit: LocalLimit) => SetMetadata(COUNTED_AS, limit);

export const MISSING_TOKEN = 'parley:missing-token';

/** Makes a route answer this error when the token is missing. */
export const OnMissingToken = (error: () => ParleyError) => SetMetadata(MISSING_TOKEN, error);

export const CallerParam = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { user } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!user) throw new Error('a public route has no caller');
  return user;
});

export const OriginParam = createParamDecorator(
  (_: unknown, context: ExecutionContext): Origin =>
    context.switchToHttp().getRequest<FastifyRequest>().origin,
);
