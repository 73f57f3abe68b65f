import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { UsersService } from './users.service.js';

/** Requires that `{user}` is the caller, before the body is validated. */
@Injectable()
export class SelfGuard implements CanActivate {
  constructor(private readonly users: UsersService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { user: caller, params } = context.switchToHttp().getRequest<FastifyRequest>();
    if (!caller) return false;
    await this.users.requireSelf(caller, (params as { user: string }).user);
    return true;
  }
}
