import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiAnswerHeaders } from '../http/answer-headers.js';
import { invalidIdempotencyKey } from './idempotency-errors.js';
import type { Repeatable } from './kept-answers.js';

export const VISIBLE_ASCII = '^[!-~]{1,255}$';

/** The caller's key for the request, if there is one. */
export const IdempotencyKeyParam = createParamDecorator(
  (_: unknown, context: ExecutionContext): string | undefined => {
    const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
    const key = headers['idempotency-key'] as string | undefined;
    if (key !== undefined && !new RegExp(VISIBLE_ASCII).test(key)) throw invalidIdempotencyKey();
    return key;
  },
);

/** Documents the key of a route, and how an answer tells that it is repeated. */
export function ApiIdempotencyKey(): MethodDecorator {
  return applyDecorators(
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description:
        'A text of your choice, for instance a UUID. For 24 hours, repeating the request with its key has no further effect and returns the first answer.',
      schema: { type: 'string', minLength: 1, maxLength: 255, pattern: VISIBLE_ASCII },
    }),
    ApiAnswerHeaders([200], 'Idempotency-Replayed'),
  );
}

/** Returns the data of an answer, and tells in a header if it is repeated. */
export function tellReplay<Answer>(
  reply: FastifyReply,
  { isReplayed, ...answer }: Repeatable<Answer>,
): Omit<Repeatable<Answer>, 'isReplayed'> {
  if (isReplayed) void reply.header('idempotency-replayed', 'true');
  return answer;
}
