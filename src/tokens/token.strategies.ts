import { HttpStatus, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy, type StrategyOptionsWithoutRequest } from 'passport-jwt';
import type { Caller } from './caller.js';
import type { TokenKind } from './token.entity.js';
import { type Claims, TOKEN_ALGORITHM, TokensService } from './tokens.service.js';

/** Accepts the bare token and `Bearer <token>` in any case. */
function findHeaderToken({ headers }: FastifyRequest): string | null {
  return headers.authorization?.replace(/^bearer(\s+|$)/i, '').trim() || null;
}

/** Reads the query parameter `token` of the links in mails. */
export function findQueryToken(request: FastifyRequest): string | null {
  const { token } = request.query as { token?: unknown };
  return typeof token === 'string' && token !== '' ? token : null;
}

export const findToken: Record<TokenKind, (request: FastifyRequest) => string | null> = {
  authentication: findHeaderToken,
  'reset-password': findHeaderToken,
  'verify-email': findQueryToken,
};

function createStrategy(kind: TokenKind) {
  @Injectable()
  class TokenStrategy extends PassportStrategy(Strategy, kind) {
    constructor(private readonly tokens: TokensService) {
      super({
        // passport-jwt passes any request on, but its types know only Express's.
        jwtFromRequest: findToken[kind] as unknown as StrategyOptionsWithoutRequest['jwtFromRequest'],
        // passport-jwt's types allow only strings, but jsonwebtoken accepts a key object.
        secretOrKey: tokens.signingKey as unknown as string,
        algorithms: [TOKEN_ALGORITHM],
      });
    }

    /** jsonwebtoken throws on a payload of `null` instead of refusing it. */
    override authenticate(...request: Parameters<Strategy['authenticate']>): void {
      try {
        super.authenticate(...request);
      } catch {
        this.fail(new Error('jwt malformed'), HttpStatus.UNAUTHORIZED);
      }
    }

    validate(claims: Partial<Claims> | string | null): Promise<Caller> {
      return this.tokens.getCaller(kind, claims);
    }
  }
  return TokenStrategy;
}

export const AuthenticationStrategy = createStrategy('authentication');
export const ResetPasswordStrategy = createStrategy('reset-password');
export const VerifyEmailStrategy = createStrategy('verify-email');
