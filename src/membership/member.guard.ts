import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { invalidInput } from '../errors/errors.js';
import { parseIndex, isUuid, parseUuid } from '../http/parameters.js';
import type { MembershipRepository, MembershipRow } from './membership.repository.js';
import { TOKEN_ERRORS } from '../tokens/token-errors.js';
import { chatNotFound, notAMember } from './membership-errors.js';
import { type ChatAccess, Membership } from './membership.service.js';

declare module 'fastify' {
  interface FastifyRequest {
    chatAccess?: ChatAccess;
    membershipLookup?: Promise<MembershipRow | undefined>;
  }
}

/** Starts to look up whether the user is a member of `{chat}`; MemberGuard awaits the result. */
export function prefetchMembership(
  repository: MembershipRepository,
  request: FastifyRequest,
  userId: number,
): void {
  const { chat } = request.params as { chat?: string };
  if (!isUuid(chat)) return;
  request.membershipLookup = repository.find(chat.toLowerCase(), userId);
  // If the token is refused, nobody awaits the result.
  request.membershipLookup.catch(() => {});
}

/** What the token guard and MemberGuard answer, for the document. */
export const MEMBER_ERRORS = [
  ...TOKEN_ERRORS,
  invalidInput('path parameter', 'chat', 'must be a uuid'),
  chatNotFound(),
  notAMember(),
];

/** Requires a well-formed path and a caller who is a member of `{chat}`, before query and body are read. */
@Injectable()
export class MemberGuard implements CanActivate {
  constructor(private readonly membership: Membership) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { chat, message } = request.params as { chat?: string; message?: string };
    const uuid = parseUuid('chat', chat);
    if (message !== undefined) parseIndex('message', message);
    if (!request.user) return false;
    request.chatAccess = await this.membership.requireMember(request.user, uuid, request.membershipLookup);
    return true;
  }
}

export const AccessParam = createParamDecorator((_: unknown, context: ExecutionContext): ChatAccess => {
  const { chatAccess } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!chatAccess) throw new Error('the route is not behind MemberGuard');
  return chatAccess;
});
