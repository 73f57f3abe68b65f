import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Handlers } from '../helpers/handlers.js';

/**
 * Runs handlers while the token of a request is looked up, so that two waits become one. A handler must only read, because
 * the token may still prove to be revoked. It must not throw.
 */
@Injectable()
export class TokenPrefetch extends Handlers<[request: FastifyRequest, userId: number]> {}
