import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy, type StrategyOptionsWithoutRequest } from 'passport-jwt';
import type { Caller } from './caller.js';
import type { TokenKind } from './token.entity.js';
import { type Claims, TOKEN_ALGORITHM, TokensService } from './tokens.service.js';

type Extractor = (request: FastifyRequest) => string | null;

/** The `Authorization` header: the bare token, or `Bearer <token>` in any case. */
const headerToken: Extractor = (request) =>
  request.headers.authorization?.replace(/^bearer(\s+|$)/i, '').trim() || null;

/** The query parameter `token`, which links in mails carry. */
export const queryToken: Extractor = (request) => {
  const { token } = request.query as { token?: unknown };
  return typeof token === 'string' && token !== '' ? token : null;
};

/** Where a request carries a token of each kind. */
export const TOKEN_OF: Record<TokenKind, Extractor> = {
  authentication: headerToken,
  'reset-password': headerToken,
  'verify-email': queryToken,
};

/** A passport strategy, named after the kind of token that it accepts. */
function tokenStrategy(kind: TokenKind) {
  @Injectable()
  class TokenStrategy extends PassportStrategy(Strategy, kind) {
    constructor(private readonly tokens: TokensService) {
      super({
        // passport-jwt's types are Express's; it hands over whatever request it is given.
        jwtFromRequest: TOKEN_OF[kind] as unknown as StrategyOptionsWithoutRequest['jwtFromRequest'],
        // Its types know strings alone; jsonwebtoken, to which it passes the key, prefers a KeyObject.
        secretOrKey: tokens.key as unknown as string,
        algorithms: [TOKEN_ALGORITHM],
      });
    }

    validate(claims: Claims): Promise<Caller> {
      return this.tokens.callerOf(kind, claims);
    }
  }
  return TokenStrategy;
}

export const AuthenticationStrategy = tokenStrategy('authentication');
export const ResetPasswordStrategy = tokenStrategy('reset-password');
export const VerifyEmailStrategy = tokenStrategy('verify-email');
