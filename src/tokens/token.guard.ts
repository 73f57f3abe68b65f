import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { invalidInput, ParleyError } from '../errors/errors.js';
import type { LocalLimit } from '../limits/limits.js';
import { Limits } from '../limits/limits.service.js';
import { COUNTED_AS, MISSING_TOKEN, TOKEN_KIND } from './caller.js';
import { InvalidToken, tokenMissing } from './token-errors.js';
import type { TokenKind } from './token.entity.js';
import { findQueryToken, findToken } from './token.strategies.js';
import { TokenPrefetch } from './token-prefetch.js';
import { TokensService } from './tokens.service.js';

/** Requires an authentication token on every route that is not marked with `@Public()` or `@RequiresToken()`. */
@Injectable()
export class TokenGuard implements CanActivate {
  private readonly guards: Record<TokenKind, CanActivate> = {
    authentication: createGuard('authentication'),
    'reset-password': createGuard('reset-password'),
    'verify-email': createGuard('verify-email'),
  };

  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: TokensService,
    private readonly prefetch: TokenPrefetch,
    private readonly limits: Limits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const required = this.reflector.getAllAndOverride<
      TokenKind | 'none' | 'uncounted' | 'optional' | undefined
    >(TOKEN_KIND, [context.getHandler(), context.getClass()]);
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { origin } = request;
    if (required === 'uncounted') return true;
    if (required === 'optional' && !request.headers.authorization) return true;
    if (required === 'none') {
      this.limits.take('anonymous', origin.network, origin);
      return true;
    }
    try {
      const kind = required === undefined || required === 'optional' ? 'authentication' : required;
      await this.authenticate(context, request, kind);
    } catch (error) {
      // Trouble of the database says nothing of the token.
      if (error instanceof ParleyError && error.status < 500)
        this.limits.take('anonymous', origin.network, origin);
      throw error;
    }
    const limit = this.reflector.get<LocalLimit | undefined>(COUNTED_AS, context.getHandler()) ?? 'call';
    origin.userId = request.user?.userId;
    this.limits.take(limit, String(origin.userId), origin);
    return true;
  }

  private async authenticate(
    context: ExecutionContext,
    request: FastifyRequest,
    kind: TokenKind,
  ): Promise<void> {
    const onMissing = this.reflector.get<(() => ParleyError) | undefined>(
      MISSING_TOKEN,
      context.getHandler(),
    );
    if (onMissing && !request.headers.authorization) throw onMissing();
    const token = findToken[kind](request) ?? '';
    const claims = this.tokens.findCachedClaims(token);
    if (claims) {
      const caller = this.tokens.getCaller(kind, claims);
      this.prefetch.run(request, Number(claims.sub)).catch(() => {});
      request.user = await caller;
      return;
    }
    const passes = await this.guards[kind].canActivate(context);
    if (passes) this.tokens.cacheClaims(token);
  }
}

function createGuard(kind: TokenKind): CanActivate {
  class KindGuard extends AuthGuard(kind) {
    override handleRequest<Caller>(
      error: unknown,
      caller: Caller | false,
      info: unknown,
      context: ExecutionContext,
    ) {
      if (error) throw error;
      if (caller) return caller;
      requireToken(kind, context.switchToHttp().getRequest<FastifyRequest>());
      const isExpired = (info as Partial<Error> | undefined)?.name === 'TokenExpiredError';
      throw isExpired
        ? new InvalidToken('expired', 'jwt expired')
        : new InvalidToken('malformed', 'malformed');
    }
  }
  return new KindGuard();
}

function requireToken(kind: TokenKind, request: FastifyRequest): void {
  if (kind === 'verify-email') {
    if (!findQueryToken(request)) throw invalidInput('query parameter', 'token', 'must be present');
  } else if (!request.headers.authorization) {
    throw tokenMissing();
  }
}
