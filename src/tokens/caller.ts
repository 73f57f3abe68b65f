import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { TokenKind } from './token.entity.js';

/** Who sent the request, as the token guard found out. */
export interface Caller {
  userId: number;
  username: string;
  /** The `jti` of the token they came with. */
  tokenId: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the token guard, on every route but the public ones. */
    user?: Caller;
  }
}

export const TOKEN_KIND = 'parley:token-kind';

/** The kind of token that a route asks for, where it is not an authentication token. */
export const RequiresToken = (kind: TokenKind) => SetMetadata(TOKEN_KIND, kind);

/** A route that anyone may call, without a token. */
export const Public = () => SetMetadata(TOKEN_KIND, 'none');

export const MISSING_TOKEN = 'parley:missing-token';

/** A route that answers 400 in these words where others answer 401, when there is no token at all. */
export const OnMissingToken = (message: string) => SetMetadata(MISSING_TOKEN, message);

/** Binds the {@link Caller}. */
export const CallerParam = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { user } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!user) throw new Error('a public route has no caller');
  return user;
});
