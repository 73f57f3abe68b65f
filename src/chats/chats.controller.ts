import { Body, Controller, Delete, Get, HttpCode, Post, Put, Query, Res, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiSecurity, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { success, successList } from '../http/chat-dialect.js';
import { invalidInput } from '../errors/errors.js';
import { bodyTooLarge } from '../http/error-response.js';
import { PageQuery } from '../http/dto/page-query.dto.js';
import { ApiChatParam, ApiErrors, ApiSuccess, EXAMPLE_CHAT } from '../http/openapi.js';
import type { Origin } from '../http/origin.js';
import { malformedCursor, parsePageQuery } from '../http/paging.js';
import { IDEMPOTENCY_ERRORS } from '../idempotency/idempotency-errors.js';
import { ApiIdempotencyKey, IdempotencyKeyParam, tellReplay } from '../idempotency/idempotency-key.param.js';
import { AccessParam, MEMBER_ERRORS, MemberGuard } from '../membership/member.guard.js';
import type { ChatAccess } from '../membership/membership.service.js';
import { neverSent } from '../membership/membership-errors.js';
import { type Caller, CallerParam, OriginParam } from '../tokens/caller.js';
import { TOKEN_ERRORS } from '../tokens/token-errors.js';
import { UserDto } from '../users/dto/users.dto.js';
import { userNotFound } from '../users/user-errors.js';
import { alreadyAMember, mayNotDeleteChat, mayNotRemoveOthers, notInChat } from './chat-errors.js';
import { ChatsService } from './chats.service.js';
import {
  ChatCreatedDto,
  ChatDto,
  CreateChatDto,
  ListChatsQuery,
  MarkReadDto,
  ReadStateDto,
  UpdateChatDto,
} from './dto/chats.dto.js';

const EXAMPLE: ChatDto = {
  uuid: EXAMPLE_CHAT,
  name: 'Super Awesome Chat',
  users: [
    { name: 'Alex', username: 'alex' },
    { name: 'Sam', username: 'sam' },
  ],
  messages: [
    {
      index: 0,
      type: 'message',
      sender: { name: 'Alex', username: 'alex' },
      message: 'Some message sent to the chat',
      file: null,
      timestamp: 1566456966279980000,
      edited: null,
    },
  ],
  unread: 0,
  read: 0,
  owner: 'alex',
  room_id: null,
};

@ApiTags('chats')
@ApiSecurity('ApiKey')
@Controller('chats')
export class ChatsController {
  constructor(private readonly chats: ChatsService) {}

  @ApiOperation({
    summary: "List user's chats.",
    description:
      'All the chats a user is in, the latest activity first, each with its users, its most recent message and its name. With `limit` a page of them; a chat that becomes active while a client pages may be absent from the later pages.',
  })
  @Get()
  @ApiSuccess('list of chats associated with user', [ChatDto], [EXAMPLE], { hasPages: true })
  @ApiErrors(...TOKEN_ERRORS, malformedCursor())
  async listChats(@CallerParam() caller: Caller, @Query() query: ListChatsQuery) {
    return successList(await this.chats.list(caller, parsePageQuery(query)));
  }

  @ApiOperation({
    summary: 'Create a chat with a name, the specified users and an initial message.',
    description: 'The caller owns it.',
  })
  @Post()
  @HttpCode(200)
  @ApiSuccess('successfully created chat', ChatCreatedDto, { uuid: EXAMPLE.uuid })
  @ApiErrors(
    ...TOKEN_ERRORS,
    userNotFound('test'),
    invalidInput('field', 'name', 'must have 1 to 128 characters'),
    bodyTooLarge(),
    ...IDEMPOTENCY_ERRORS,
  )
  @ApiIdempotencyKey()
  async createChat(
    @CallerParam() caller: Caller,
    @Body() dto: CreateChatDto,
    @IdempotencyKeyParam() key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return success(tellReplay(reply, await this.chats.create(caller, dto, key)));
  }

  @ApiOperation({
    summary: 'Describe a chat.',
    description: 'The users in the chat, the most recent message, and the name of the chat by the uuid.',
  })
  @Get(':chat')
  @UseGuards(MemberGuard)
  @ApiChatParam()
  @ApiSuccess('information about the requested chat, an array of this one chat', [ChatDto], [EXAMPLE])
  @ApiErrors(...MEMBER_ERRORS)
  async getChat(@AccessParam() access: ChatAccess) {
    return success(await this.chats.get(access));
  }

  @ApiOperation({
    summary: 'List the users of a chat.',
    description: 'The longest-standing first, in pages of 100 or of `limit`.',
  })
  @Get(':chat/users')
  @UseGuards(MemberGuard)
  @ApiChatParam()
  @ApiSuccess('a page of the users', [UserDto], EXAMPLE.users, { hasPages: true })
  @ApiErrors(...MEMBER_ERRORS, malformedCursor())
  async listChatUsers(@AccessParam() access: ChatAccess, @Query() query: PageQuery) {
    return successList(await this.chats.listUsers(access, parsePageQuery(query)));
  }

  @ApiOperation({
    summary: "Update a chat's name or the users in it.",
    description:
      'Not all body parameters are required and can be mixed and matched; `mode` and `user` must be sent together. Any member renames and adds; the owner removes anyone, and anyone themself.',
  })
  @Put(':chat')
  @UseGuards(MemberGuard)
  @ApiChatParam()
  @ApiBody({
    type: UpdateChatDto,
    examples: {
      rename: { value: { name: 'New Name' } },
      add: { value: { mode: 'add', user: 'sam' } },
      delete: { value: { mode: 'delete', user: 'sam' } },
    },
  })
  @ApiSuccess("successfully updated chat's information")
  @ApiErrors(
    ...MEMBER_ERRORS,
    invalidInput('field', 'user', "must be present, together with 'mode'"),
    userNotFound('test'),
    alreadyAMember('sam'),
    notInChat('sam'),
    mayNotRemoveOthers(),
    bodyTooLarge(),
  )
  async updateChat(@AccessParam() access: ChatAccess, @Body() dto: UpdateChatDto) {
    await this.chats.update(access, dto);
    return success();
  }

  @ApiOperation({
    summary: 'Mark the messages of a chat as read.',
    description: 'Up to an index. The marker never moves back. Sending a message moves it to that message.',
  })
  @Put(':chat/read')
  @UseGuards(MemberGuard)
  @ApiChatParam()
  @ApiSuccess('the marker and the number of messages after it', ReadStateDto, { index: 0, unread: 0 })
  @ApiErrors(...MEMBER_ERRORS, neverSent(), bodyTooLarge())
  async markRead(@AccessParam() access: ChatAccess, @Body() dto: MarkReadDto) {
    return success(await this.chats.markRead(access, dto));
  }

  @ApiOperation({ summary: 'Delete a chat with its messages and files.', description: 'Its owner may.' })
  @Delete(':chat')
  @UseGuards(MemberGuard)
  @ApiChatParam()
  @ApiSuccess('successfully deleted chat')
  @ApiErrors(...MEMBER_ERRORS, mayNotDeleteChat())
  async deleteChat(@AccessParam() access: ChatAccess, @OriginParam() origin: Origin) {
    await this.chats.delete(access, origin);
    return success();
  }
}
