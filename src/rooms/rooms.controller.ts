import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiOperation, ApiParam, ApiSecurity, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { invalidInput } from '../errors/errors.js';
import { bodyTooLarge } from '../http/error-response.js';
import { ApiAnnouncedLimit } from '../http/answer-headers.js';
import { EXAMPLE_CHAT } from '../http/openapi.js';
import type { Origin } from '../http/origin.js';
import { limitExceeded } from '../limits/limit-errors.js';
import { PageQuery } from '../http/dto/page-query.dto.js';
import { malformedCursor, parsePageQuery } from '../http/paging.js';
import { malformedIndex, parseIndex } from '../http/parameters.js';
import { IDEMPOTENCY_ERRORS } from '../idempotency/idempotency-errors.js';
import { ApiIdempotencyKey, IdempotencyKeyParam, tellReplay } from '../idempotency/idempotency-key.param.js';
import { type Caller, CallerParam, CountedAs, OnMissingToken, OriginParam } from '../tokens/caller.js';
import {
  CreateRoomDto,
  JoinRoomDto,
  LeaveRoomDto,
  RoomAnswerDto,
  RoomCreatedDto,
  RoomJoinedDto,
  RoomMembersDto,
  RoomMessagesDto,
  RoomMessagesQuery,
  RoomsDto,
  SendRoomMessageDto,
  UserRoomsDto,
} from './dto/rooms.dto.js';
import {
  invalidFields,
  missingField,
  missingName,
  notInRoom,
  passwordRequired,
  roomExists,
  roomNotFound,
  tokenMissing,
  wrongPassword,
} from './room-errors.js';
import { ApiRoomAnswer, ApiRoomErrors } from './rooms.dialect.js';
import { RoomsService } from './rooms.service.js';

const ROOM = {
  room_id: 1,
  chat: EXAMPLE_CHAT,
};
const MEMBER_ERRORS = [notInRoom(), roomNotFound()];

const RoomIdParam = () => Param('room_id', { transform: (text: string) => parseIndex('room_id', text) });

@ApiTags('rooms')
@ApiSecurity('ApiKey')
@Controller()
export class RoomsController {
  constructor(private readonly rooms: RoomsService) {}

  @ApiOperation({
    summary: 'Join Room.',
    description:
      'Join an existing chat room by name. For private rooms, the correct password must be provided. Joining again renews `joined_at`.',
  })
  @Post('join_room')
  @RouteConfig({ takesTime: true })
  @HttpCode(200)
  @OnMissingToken(tokenMissing)
  @ApiRoomAnswer(200, 'Successfully joined the room', RoomJoinedDto, {
    message: 'john_doe joined room "General Discussion"',
    room_name: 'General Discussion',
    ...ROOM,
  })
  @ApiRoomErrors(
    missingName(),
    tokenMissing(),
    passwordRequired(),
    wrongPassword(),
    roomNotFound(),
    bodyTooLarge(),
    limitExceeded('room-password'),
  )
  joinRoom(@CallerParam() caller: Caller, @Body() dto: JoinRoomDto, @OriginParam() origin: Origin) {
    return this.rooms.join(caller, dto, origin);
  }

  @ApiOperation({ summary: 'Create Room.', description: 'The caller owns it and is its first member.' })
  @Post('create_room')
  @RouteConfig({ takesTime: true })
  @HttpCode(201)
  @ApiRoomAnswer(201, 'Successfully created the room', RoomCreatedDto, {
    message: 'room "General Discussion" created',
    ...ROOM,
  })
  @ApiRoomErrors(invalidFields('room_name'), roomExists(), bodyTooLarge())
  createRoom(@CallerParam() caller: Caller, @Body() dto: CreateRoomDto) {
    return this.rooms.create(caller, dto);
  }

  @ApiOperation({ summary: 'Leave Room.', description: 'The room stays, also without members.' })
  @Post('leave_room')
  @HttpCode(200)
  @ApiRoomAnswer(200, 'Successfully left the room', RoomAnswerDto, {
    message: 'john_doe left room "General Discussion"',
  })
  @ApiRoomErrors(missingField('room_id'), ...MEMBER_ERRORS, bodyTooLarge())
  leaveRoom(@CallerParam() caller: Caller, @Body() dto: LeaveRoomDto) {
    return this.rooms.leave(caller, dto.room_id);
  }

  @ApiOperation({
    summary: 'List public rooms.',
    description: 'All of them by name, or with `limit` a page by id.',
  })
  @Get('rooms')
  @ApiRoomAnswer(200, 'The public rooms', RoomsDto, {
    rooms: [{ room_id: 1, name: 'General Discussion', joined: true }],
  })
  @ApiRoomErrors(malformedCursor())
  listRooms(@CallerParam() caller: Caller, @Query() query: PageQuery) {
    return this.rooms.list(caller, parsePageQuery(query));
  }

  @ApiOperation({
    summary: "List user's rooms.",
    description: 'All of them, the one joined last first, or with `limit` a page by id.',
  })
  @Get('user_rooms')
  @ApiRoomAnswer(200, "The caller's rooms", UserRoomsDto, {
    rooms: [{ name: 'General Discussion', is_private: 0, joined_at: 1566456966.27998, ...ROOM }],
  })
  @ApiRoomErrors(malformedCursor())
  listMyRooms(@CallerParam() caller: Caller, @Query() query: PageQuery) {
    return this.rooms.listOwn(caller, parsePageQuery(query));
  }

  @ApiOperation({ summary: "List a room's members.", description: "A private room's for its members alone." })
  @Get('room_members/:room_id')
  @ApiParam({
    name: 'room_id',
    schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER, example: 1 },
  })
  @ApiRoomAnswer(200, "The members' usernames", RoomMembersDto, { members: ['alex', 'sam'] })
  @ApiRoomErrors(malformedIndex('path parameter', 'room_id'), malformedCursor(), ...MEMBER_ERRORS)
  listRoomMembers(@CallerParam() caller: Caller, @RoomIdParam() roomId: number, @Query() query: PageQuery) {
    return this.rooms.members(caller, roomId, parsePageQuery(query));
  }

  @ApiOperation({ summary: 'Send a message to a room.' })
  @Post('send_room_message')
  @HttpCode(200)
  @ApiRoomAnswer(200, 'The message is on disk', RoomAnswerDto, { message: 'sent' })
  @CountedAs('send')
  @ApiAnnouncedLimit()
  @ApiRoomErrors(
    missingField('message'),
    ...MEMBER_ERRORS,
    bodyTooLarge(),
    limitExceeded('send'),
    ...IDEMPOTENCY_ERRORS,
  )
  @ApiIdempotencyKey()
  async sendRoomMessage(
    @CallerParam() caller: Caller,
    @Body() dto: SendRoomMessageDto,
    @IdempotencyKeyParam() key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return tellReplay(reply, await this.rooms.send(caller, dto, key));
  }

  @ApiOperation({
    summary: "List a room's messages.",
    description: 'The newest, or those before an index; oldest first.',
  })
  @Get('get_room_messages')
  @ApiRoomAnswer(200, 'The messages', RoomMessagesDto, {
    messages: [{ index: 0, username: 'alex', message: 'Hello', created_at: 1566456966.27998, room_id: 1 }],
  })
  @ApiRoomErrors(invalidInput('query parameter', 'room_id', 'must be present'), ...MEMBER_ERRORS)
  listRoomMessages(@CallerParam() caller: Caller, @Query() query: RoomMessagesQuery) {
    return this.rooms.listMessages(caller, query);
  }
}
