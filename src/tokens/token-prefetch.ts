import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Handlers } from '../helpers/handlers.js';

/**
 * Runs handlers while a token whose claims are cached is looked up, so that two waits become one. A handler must only read,
 * because the token may still prove to be revoked. Its errors are ignored.
 */
@Injectable()
export class TokenPrefetch extends Handlers<[request: FastifyRequest, userId: number]> {}
