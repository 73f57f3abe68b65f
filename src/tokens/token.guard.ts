import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { invalid, unauthenticated } from '../errors/errors.js';
import { MISSING_TOKEN, TOKEN_KIND } from './caller.js';
import type { TokenKind } from './token.entity.js';
import { queryToken, TOKEN_OF } from './token.strategies.js';
import { TokensService } from './tokens.service.js';

/**
 * Guards every route of every module: a route asks for an authentication token unless it says otherwise
 * with `@Public()` or `@RequiresToken()`.
 */
@Injectable()
export class TokenGuard implements CanActivate {
  private readonly guards: Record<TokenKind, CanActivate> = {
    authentication: new (guardFor('authentication'))(),
    'reset-password': new (guardFor('reset-password'))(),
    'verify-email': new (guardFor('verify-email'))(),
  };

  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: TokensService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const required = this.reflector.getAllAndOverride<TokenKind | 'none' | undefined>(TOKEN_KIND, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (required === 'none') return true;
    const kind = required ?? 'authentication';
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const onMissing = this.reflector.get<string | undefined>(MISSING_TOKEN, context.getHandler());
    if (onMissing !== undefined && !request.headers.authorization) throw invalid(onMissing);
    const token = TOKEN_OF[kind](request) ?? '';
    const claims = this.tokens.recall(token);
    if (claims) {
      request.user = await this.tokens.callerOf(kind, claims);
      return true;
    }
    const passes = await this.guards[kind].canActivate(context);
    if (passes) this.tokens.remember(token);
    return passes === true;
  }
}

function guardFor(kind: TokenKind) {
  return class extends AuthGuard(kind) {
    override handleRequest<Caller>(
      error: unknown,
      caller: Caller | false,
      info: unknown,
      context: ExecutionContext,
    ) {
      if (error) throw error;
      if (caller) return caller;
      requireToken(kind, context.switchToHttp().getRequest<FastifyRequest>());
      throw unauthenticated(`invalid token: ${info instanceof Error ? info.message : 'malformed'}`);
    }
  };
}

/** Tells a token that is missing from one that is wrong. */
function requireToken(kind: TokenKind, request: FastifyRequest): void {
  if (kind === 'verify-email') {
    if (!queryToken(request)) throw invalid("query parameter 'token' must be present");
  } else if (!request.headers.authorization) {
    throw unauthenticated("header 'Authorization' must be present");
  }
}
