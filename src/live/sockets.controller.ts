import { Controller, Get, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Settings } from '../config/settings.js';
import { malformedRequest } from '../http/error-response.js';
import { Limits } from '../limits/limits.service.js';
import { OptionalToken } from '../tokens/caller.js';
import { foreignOrigin } from './live-errors.js';
import { LiveGateway } from './live.gateway.js';
import { findUpgrade } from './socket.adapter.js';

/** Not an operation of the document, which describes HTTP alone. The document's description explains the WebSocket. */
@ApiExcludeController()
@Controller('ws')
export class SocketsController {
  constructor(
    private readonly gateway: LiveGateway,
    private readonly settings: Settings,
    private readonly limits: Limits,
  ) {}

  @Get()
  @RouteConfig({ takesTime: true, comesInCrowds: () => true })
  @OptionalToken()
  openSocket(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const upgrade = findUpgrade(request.raw);
    if (!upgrade) {
      const { origin, user } = request;
      if (!user) this.limits.take('anonymous', origin.network, origin);
      throw malformedRequest('request must ask for a WebSocket');
    }
    this.requireOrigin(request);
    this.gateway.requireOpen();
    reply.hijack();
    reply.raw.detachSocket(upgrade.socket);
    this.gateway.upgrade(request.raw, upgrade, { origin: request.origin, caller: request.user });
  }

  /** Browsers let every page open WebSockets, so the server has to refuse those of other origins. */
  private requireOrigin({ headers }: FastifyRequest): void {
    const { origin, host } = headers;
    const { corsOrigins } = this.settings;
    if (!origin || corsOrigins === '*' || corsOrigins.includes(origin)) return;
    if (!URL.canParse(origin) || new URL(origin).host !== host) throw foreignOrigin();
  }
}
