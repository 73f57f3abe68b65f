import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Post,
  Put,
  Query,
  Res,
  UseGuards,
} from '@nestjs/common';
import {
  ApiBody,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiSecurity,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { success } from '../http/chat-dialect.js';
import { invalidInput } from '../errors/errors.js';
import { bodyTooLarge } from '../http/error-response.js';
import { ApiAnnouncedLimit } from '../http/answer-headers.js';
import { ApiChatParam, ApiErrors, ApiSuccess } from '../http/openapi.js';
import { limitExceeded } from '../limits/limit-errors.js';
import { malformedIndex, parseIndex } from '../http/parameters.js';
import { IDEMPOTENCY_ERRORS } from '../idempotency/idempotency-errors.js';
import { ApiIdempotencyKey, IdempotencyKeyParam, tellReplay } from '../idempotency/idempotency-key.param.js';
import { AccessParam, MEMBER_ERRORS, MemberGuard } from '../membership/member.guard.js';
import type { ChatAccess } from '../membership/membership.service.js';
import {
  EditMessageDto,
  ListMessagesQuery,
  MessageDto,
  MessagePageDto,
  SendFileDto,
  SendImageDto,
  SendMessageDto,
  SendTextDto,
  SentDto,
} from './dto/messages.dto.js';
import { CountedAs } from '../tokens/caller.js';
import { messageNotFound, neitherSenderNorOwner, notTheSender } from './message-errors.js';
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

const NO_TEXT = invalidInput('field', 'message', 'must be present');
const MESSAGE_ERRORS = [...MEMBER_ERRORS, messageNotFound(), malformedIndex('path parameter', 'message')];

const ApiIndexParam = () =>
  ApiParam({
    name: 'message',
    description: 'index of message',
    schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER, example: 0 },
  });

const IndexParam = () => Param('message', { transform: (text: string) => parseIndex('message', text) });

@ApiTags('messages')
@ApiSecurity('ApiKey')
@ApiChatParam()
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
  @ApiErrors(...MEMBER_ERRORS, malformedIndex('query parameter', 'page'))
  async listMessages(@AccessParam() access: ChatAccess, @Query() query: ListMessagesQuery) {
    return success(await this.messages.list(access, query));
  }

  @ApiOperation({
    summary: 'Send a message to the specified chat.',
    description: 'It is on disk when the answer comes.',
  })
  @Post()
  @HttpCode(200)
  @ApiExtraModels(SendTextDto, SendImageDto, SendFileDto)
  @ApiBody({
    schema: {
      oneOf: [SendTextDto, SendImageDto, SendFileDto].map((Dto) => ({ $ref: getSchemaPath(Dto) })),
      discriminator: {
        propertyName: 'type',
        mapping: {
          message: getSchemaPath(SendTextDto),
          image: getSchemaPath(SendImageDto),
          file: getSchemaPath(SendFileDto),
        },
      },
    },
    examples: {
      message: { value: { type: 'message', message: 'Hello' } },
      image: { value: { type: 'image', message: 'A caption' } },
      file: { value: { type: 'file', filename: 'notes.txt' } },
    },
  })
  @ApiSuccess('successfully sent message', SentDto, { index: 0, timestamp: 1566456966279980000 })
  @CountedAs('send')
  @ApiAnnouncedLimit()
  @ApiErrors(...MEMBER_ERRORS, NO_TEXT, bodyTooLarge(), limitExceeded('send'), ...IDEMPOTENCY_ERRORS)
  @ApiIdempotencyKey()
  async sendMessage(
    @AccessParam() access: ChatAccess,
    @Body() dto: SendMessageDto,
    @IdempotencyKeyParam() key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return success(tellReplay(reply, await this.messages.send(access, dto, key)));
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
  @ApiErrors(...MESSAGE_ERRORS)
  getMessage(@AccessParam() access: ChatAccess, @IndexParam() index: number) {
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
  @ApiErrors(...MESSAGE_ERRORS, NO_TEXT, notTheSender(), bodyTooLarge())
  async editMessage(
    @AccessParam() access: ChatAccess,
    @IndexParam() index: number,
    @Body() dto: EditMessageDto,
  ) {
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
  @ApiErrors(...MESSAGE_ERRORS, neitherSenderNorOwner())
  async deleteMessage(@AccessParam() access: ChatAccess, @IndexParam() index: number) {
    await this.messages.delete(access, index);
    return success();
  }
}
