import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, UseGuards } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiParam, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { success } from '../http/chat-dialect.js';
import { ApiErrors, ApiSuccess } from '../http/openapi.js';
import { parseIndex } from '../http/parameters.js';
import { AccessParam, MemberGuard } from '../membership/member.guard.js';
import type { ChatAccess } from '../membership/membership.service.js';
import {
  EditMessageDto,
  ListMessagesQuery,
  MessageDto,
  MessagePageDto,
  SendMessageDto,
  SentDto,
} from './dto/messages.dto.js';
import { MessagesService } from './messages.service.js';
import { SenderGuard } from './sender.guard.js';

const EXAMPLE: MessageDto = {
  index: 0,
  type: 'message',
  sender: { name: 'Alex', username: 'alex' },
  message: 'Some sent message',
  file: null,
  timestamp: 1566456966279980000,
  edited: null,
};

const NOT_A_MEMBER = 'user is not part of specified chat';
const BAD_TOKEN = 'invalid token: jwt expired';
const UNKNOWN_MESSAGE = 'specified message does not exist';

const ApiIndexParam = () =>
  ApiParam({
    name: 'message',
    description: 'index of message',
    schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER, example: 0 },
  });

const IndexParam = () => Param('message', { transform: (text: string) => parseIndex('message', text) });

@ApiTags('messages')
@ApiSecurity('ApiKey')
@ApiParam({
  name: 'chat',
  description: 'uuid of chat',
  schema: { type: 'string', format: 'uuid', example: '3e17b51b-01db-4b20-b1f5-95fd054376b7' },
})
@UseGuards(MemberGuard)
@Controller('chats/:chat/messages')
export class MessagesController {
  constructor(private readonly messages: MessagesService) {}

  @ApiOperation({
    summary: 'List messages in chat.',
    description:
      'Split into pages of 100 messages each, oldest first. `before` or `after` instead of `page` reads the window next to a known message, as fast at the end of a long chat as at its start.',
  })
  @Get()
  @ApiSuccess('list of messages in a chat', MessagePageDto, {
    messages: [EXAMPLE],
    page: 0,
    perPage: 100,
  })
  @ApiErrors({
    400: "query parameter 'page' must be an integer from 0 to 9007199254740991",
    401: BAD_TOKEN,
    403: NOT_A_MEMBER,
  })
  async list(@AccessParam() access: ChatAccess, @Query() query: ListMessagesQuery) {
    return success(await this.messages.list(access, query));
  }

  @ApiOperation({
    summary: 'Send a message to the specified chat.',
    description: 'It is on disk when the answer comes.',
  })
  @Post()
  @HttpCode(200)
  @ApiBody({
    type: SendMessageDto,
    examples: {
      message: { value: { type: 'message', message: 'Hello' } },
      image: { value: { type: 'image', message: 'A caption' } },
      file: { value: { type: 'file', filename: 'notes.txt' } },
    },
  })
  @ApiSuccess('successfully sent message', SentDto, { index: 0, timestamp: 1566456966279980000 })
  @ApiErrors({
    400: "field 'message' must be present",
    401: BAD_TOKEN,
    403: NOT_A_MEMBER,
    413: 'request body is too large',
  })
  async send(@AccessParam() access: ChatAccess, @Body() dto: SendMessageDto) {
    return success(await this.messages.send(access, dto));
  }

  @ApiOperation({
    summary: 'Describe a message.',
    description: 'Get all data about a specific message in a chat, by index of message.',
  })
  @Get(':message')
  @ApiIndexParam()
  @ApiOkResponse({
    description: 'successfully retrieved message data',
    type: MessageDto,
    example: EXAMPLE,
  })
  @ApiErrors({ 400: UNKNOWN_MESSAGE, 401: BAD_TOKEN, 403: NOT_A_MEMBER })
  get(@AccessParam() access: ChatAccess, @IndexParam() index: number) {
    return this.messages.get(access, index);
  }

  @ApiOperation({
    summary: 'Update a sent message.',
    description: 'Modify the content of an already sent message.',
  })
  @Put(':message')
  @UseGuards(SenderGuard)
  @ApiIndexParam()
  @ApiSuccess("successfully updated message's information")
  @ApiErrors({
    400: UNKNOWN_MESSAGE,
    401: BAD_TOKEN,
    403: 'not allowed to modify messages of other users',
    413: 'request body is too large',
  })
  async edit(@AccessParam() access: ChatAccess, @IndexParam() index: number, @Body() dto: EditMessageDto) {
    await this.messages.edit(access, index, dto.message);
    return success();
  }

  @ApiOperation({
    summary: 'Delete a message from a chat.',
    description: "The sender and the chat's owner may.",
  })
  @Delete(':message')
  @ApiIndexParam()
  @ApiSuccess('successfully deleted message')
  @ApiErrors({ 400: UNKNOWN_MESSAGE, 401: BAD_TOKEN, 403: 'not allowed to delete messages of other users' })
  async delete(@AccessParam() access: ChatAccess, @IndexParam() index: number) {
    await this.messages.delete(access, index);
    return success();
  }
}
