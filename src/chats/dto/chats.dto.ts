import { ApiProperty } from '@nestjs/swagger';
import { isStorable } from '../../helpers/text.js';
import { ApiSchemaRules, EXAMPLE_CHAT } from '../../http/openapi.js';
import { IsCursor, IsPageSize } from '../../http/paging.js';
import { IsIndex, IsText, OptionalField, Validated } from '../../http/validation.js';
import { IsMessageText, MessageDto } from '../../messages/dto/messages.dto.js';
import { UserDto } from '../../users/dto/users.dto.js';

const MAX_USERS = 1000;

const IsChatName = (example: string) => IsText({ min: 1, max: 128 }, example);

function validateUsers(value: unknown): string | undefined {
  const isList = Array.isArray(value) && value.every((user) => typeof user === 'string' && isStorable(user));
  if (!isList) return 'must be a list of usernames';
  if (value.length === 0 || value.length > MAX_USERS) return `must name 1 to ${MAX_USERS} users`;
  return undefined;
}

export class CreateChatDto {
  /** Display name of the chat. */
  @IsChatName('Super Awesome Chat')
  name!: string;

  /** Users to be added to the chat; the caller is one in any case. */
  @Validated(validateUsers, { type: [String], minItems: 1, maxItems: MAX_USERS, example: ['alex'] })
  users!: string[];

  /** Initial message to be sent. */
  @IsMessageText('Some message sent to the chat')
  message!: string;
}

/** At least one of `name` and `mode`; `mode` and `user` together. */
@ApiSchemaRules({
  anyOf: [{ required: ['name'] }, { required: ['mode'] }],
  dependentRequired: { mode: ['user'], user: ['mode'] },
})
export class UpdateChatDto {
  /** New name for the chat. */
  @OptionalField()
  @IsChatName('New Name')
  name?: string;

  /** Operation for the modification of users; together with `user`. */
  @OptionalField()
  @Validated((value) => (value === 'add' || value === 'delete' ? undefined : "must be 'add' or 'delete'"), {
    enum: ['add', 'delete'],
    example: 'add',
  })
  mode?: 'add' | 'delete';

  /** User to modify; together with `mode`. */
  @OptionalField()
  @IsText({ min: 1, max: 1000 }, 'alex')
  user?: string;
}

export class MarkReadDto {
  /** Index of the last message that was read. */
  @IsIndex(0)
  index!: number;
}

export class ReadStateDto {
  /** The marker: the index up to which the caller has read. */
  @ApiProperty({ type: 'integer', minimum: 0, example: 0 })
  index!: number;

  /** Messages after the marker; 100 stands for more as well. */
  @ApiProperty({ type: 'integer', minimum: 0, maximum: 100, example: 0 })
  unread!: number;
}

export class ListChatsQuery {
  /** How many at most; the answer then has `next`, and the chats `user_count`. Default: all chats. */
  @OptionalField()
  @IsPageSize()
  limit?: string;

  /** The `next` of the page before; together with `limit`. */
  @OptionalField()
  @IsCursor(2)
  after?: string;
}

export class ChatCreatedDto {
  /** The new chat's uuid. */
  @ApiProperty({ format: 'uuid', example: EXAMPLE_CHAT })
  uuid!: string;
}

export class ChatDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_CHAT })
  uuid!: string;

  /** @example 'Super Awesome Chat' */
  name!: string;

  /** The members, the longest-standing first; with `limit` at most 100. */
  users!: UserDto[];

  /** How many members there are; only with `limit`. */
  @ApiProperty({ type: 'integer', minimum: 0, required: false, example: 2 })
  user_count?: number;

  /** The most recent message alone; empty when all were deleted. */
  messages!: MessageDto[];

  /** Messages that the caller has not read; 100 stands for more as well. */
  @ApiProperty({ type: 'integer', minimum: 0, maximum: 100, example: 0 })
  unread!: number;

  /** The index up to which the caller has read, or `null`. */
  @ApiProperty({ type: 'integer', minimum: 0, nullable: true, example: 0 })
  read!: number | null;

  /** Username of the owner, or `null` in a room without members. */
  @ApiProperty({ type: String, nullable: true, example: 'alex' })
  owner!: string | null;

  /** The room of which this is the chat, or `null`. */
  @ApiProperty({ type: 'integer', minimum: 1, nullable: true, example: null })
  room_id!: number | null;
}
