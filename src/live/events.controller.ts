import { Controller, Get, HttpCode, Post, Query, Req, Res, type Type, UseGuards } from '@nestjs/common';
import {
  ApiExtension,
  ApiExtraModels,
  ApiHeader,
  ApiOperation,
  ApiSecurity,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalidInput } from '../errors/errors.js';
import { success } from '../http/chat-dialect.js';
import { ApiChatParam, ApiErrors, ApiSuccess } from '../http/openapi.js';
import { integerRule } from '../http/parameters.js';
import { AccessParam, MEMBER_ERRORS, MemberGuard } from '../membership/member.guard.js';
import type { ChatAccess } from '../membership/membership.service.js';
import { type Caller, CallerParam } from '../tokens/caller.js';
import { TOKEN_ERRORS } from '../tokens/token-errors.js';
import { EventDto, EXAMPLE_ID, EventsQuery, MAX_WAIT_SECONDS, PolledDto } from './dto/events.dto.js';
import { ClientFrameDto, ServerFrameDto, StreamClosedDto, StreamReadyDto } from './dto/frames.dto.js';
import { tooManyStreams } from './live-errors.js';
import { Polls } from './polls.service.js';
import { SseOutlet } from './sse.outlet.js';
import { Streams } from './streams.service.js';
import { Typing } from './typing.service.js';

const EXAMPLE: PolledDto = { events: [], id: EXAMPLE_ID, recovered: true };

const STREAM_EXAMPLE = `id: ${EXAMPLE_ID}\nevent: ready\nretry: 2500\ndata: {"recovered":true}\n\n`;

const ref = (Model: Type) => ({ $ref: getSchemaPath(Model) });

function wantsStream({ headers }: FastifyRequest): boolean {
  return /(^|,)\s*text\/event-stream\b/i.test(headers.accept ?? '');
}

@ApiTags('live')
@ApiSecurity('ApiKey')
@Controller()
export class EventsController {
  constructor(
    private readonly streams: Streams,
    private readonly polls: Polls,
    private readonly typing: Typing,
  ) {}

  @ApiOperation({
    summary: "Follow what happens in the user's chats.",
    description:
      'With `Accept: text/event-stream` a stream of server-sent events: `ready` first, then the events, and `closed` if the server ends the stream. Otherwise a poll, which answers as soon as there is an event, or when `wait` is over.',
  })
  @Get('events')
  @RouteConfig({ takesTime: true, comesInCrowds: wantsStream })
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'the `id` of the last event' })
  @ApiSuccess('what has happened since', PolledDto, EXAMPLE, {
    others: {
      'text/event-stream': {
        example: STREAM_EXAMPLE,
        // Of the data of each event.
        contentSchema: { oneOf: [StreamReadyDto, EventDto, StreamClosedDto].map(ref) },
      },
    },
  })
  @ApiExtraModels(ClientFrameDto, ServerFrameDto, StreamReadyDto, StreamClosedDto)
  @ApiExtension('x-websocket', {
    path: '/api/ws',
    fromClient: ref(ClientFrameDto),
    fromServer: ref(ServerFrameDto),
  })
  @ApiErrors(
    ...TOKEN_ERRORS,
    invalidInput('query parameter', 'wait', integerRule(0, MAX_WAIT_SECONDS)),
    tooManyStreams(),
  )
  async followEvents(
    @CallerParam() caller: Caller,
    @Query() { since, wait }: EventsQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    if (wantsStream(request)) {
      return this.follow(caller, headerOf(request, 'last-event-id') ?? since, request, reply);
    }
    // Node would close a connection on which nothing moves for 30 s.
    request.socket.setTimeout(0);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const { events, id, isRecovered } = await this.polls.poll(
      caller,
      since,
      Number(wait ?? 0) * 1000,
      gone.signal,
    );
    return reply.send(success({ events: events.map(({ body }) => body), id, recovered: isRecovered }));
  }

  private async follow(
    caller: Caller,
    since: string | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const { raw } = reply;
    // A client that is gone is noticed by `close`.
    raw.on('error', () => {});
    const outlet = new SseOutlet(raw, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
      'x-request-id': request.id,
    });
    await this.streams.open(caller, since, outlet);
    reply.hijack();
  }

  @ApiOperation({
    summary: 'Tell the other members that the user types.',
    description: 'At most once in 2 s; more calls are accepted and have no effect. Nothing is stored.',
  })
  @Post('chats/:chat/typing')
  @HttpCode(200)
  @UseGuards(MemberGuard)
  @ApiChatParam()
  @ApiSuccess('the other members are told')
  @ApiErrors(...MEMBER_ERRORS)
  tellTyping(@AccessParam() access: ChatAccess) {
    this.typing.publish(access);
    return success();
  }
}

function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
