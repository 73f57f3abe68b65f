import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { parseIndex } from '../http/parameters.js';
import { MessagesService } from './messages.service.js';

/** Requires that the caller sent `{message}`, before the body is read. Runs after MemberGuard. */
@Injectable()
export class SenderGuard implements CanActivate {
  constructor(private readonly messages: MessagesService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { chatAccess, params } = context.switchToHttp().getRequest<FastifyRequest>();
    if (!chatAccess) return false;
    await this.messages.requireSender(
      chatAccess,
      parseIndex('message', (params as { message: string }).message),
    );
    return true;
  }
}
