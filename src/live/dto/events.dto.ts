import { ApiExtraModels, ApiProperty, type ApiPropertyOptions, getSchemaPath } from '@nestjs/swagger';
import type { Type } from '@nestjs/common';
import { ChatDto, ReadStateDto } from '../../chats/dto/chats.dto.js';
import { ApiSchemaRules, EXAMPLE_CHAT } from '../../http/openapi.js';
import { IsQueryInteger, OptionalField, Validated } from '../../http/validation.js';
import { MessageDto } from '../../messages/dto/messages.dto.js';
import { UserDto } from '../../users/dto/users.dto.js';
import { EVENT_TYPES, type EventType } from '../live-event.js';

export const MAX_WAIT_SECONDS = 30;
const MAX_ID_LENGTH = 512;

export const EXAMPLE_ID = '3e17b51b.mi0k2v1c0a.';

export class EventsQuery {
  /** The `id` of the last event, of `ready` or of the last poll. Header `Last-Event-ID` wins over it. */
  @OptionalField()
  @Validated((value) => (typeof value === 'string' ? undefined : 'must be given once'), { type: String })
  since?: string;

  /** How long a poll waits for an event, in seconds; default: 0. */
  @OptionalField()
  @IsQueryInteger(0, MAX_WAIT_SECONDS, 0)
  wait?: string;
}

export class MessageDeletedDto {
  /** The index of the message. */
  @ApiProperty({ type: 'integer', minimum: 0, example: 0 })
  index!: number;
}

export class ChatUpdatedDto {
  /** @example 'Super Awesome Chat' */
  name!: string;

  /** Username of the owner, or `null` in a room without members. */
  @ApiProperty({ type: String, nullable: true, example: 'alex' })
  owner!: string | null;
}

export class ChatRemovedDto {
  /** Why the user is no member any more. */
  @ApiProperty({ enum: ['left', 'removed', 'deleted'], example: 'left' })
  reason!: 'left' | 'removed' | 'deleted';
}

export class MemberDto {
  user!: UserDto;
}

export class TypingDto {
  /** Who types. */
  @ApiProperty({ example: 'alex' })
  username!: string;
}

const DATA: Record<Exclude<EventType, 'chat.limited'>, Type> = {
  'message.created': MessageDto,
  'message.updated': MessageDto,
  'message.deleted': MessageDeletedDto,
  'chat.added': ChatDto,
  'chat.updated': ChatUpdatedDto,
  'chat.removed': ChatRemovedDto,
  'member.added': MemberDto,
  'member.removed': MemberDto,
  'chat.read': ReadStateDto,
  typing: TypingDto,
};

/** Makes the class of the events of a type, from which the document takes their schema. */
function eventDto(type: EventType): Type {
  class EventOfType {
    declare readonly type: EventType;
  }
  const name = type.split('.').map((word) => word.replace(/^./, (letter) => letter.toUpperCase()));
  Object.defineProperty(EventOfType, 'name', { value: `${name.join('')}EventDto` });
  const property = (key: string, options: ApiPropertyOptions) =>
    ApiProperty(options)(EventOfType.prototype, key);
  if (type !== 'typing') {
    property('id', {
      type: String,
      maxLength: MAX_ID_LENGTH,
      description: 'Resumes after this event.',
      example: EXAMPLE_ID,
    });
  }
  property('type', { type: String, enum: [type], example: type });
  property('chat', { type: String, format: 'uuid', example: EXAMPLE_CHAT });
  property(
    'data',
    type === 'chat.limited'
      ? { type: 'object', additionalProperties: false, example: {} }
      : { type: DATA[type] },
  );
  return EventOfType;
}

const EVENTS = EVENT_TYPES.map((type) => ({ type, Dto: eventDto(type) }));

/** What happens in a chat. */
@ApiSchemaRules({
  oneOf: EVENTS.map(({ Dto }) => ({ $ref: getSchemaPath(Dto) })),
  discriminator: {
    propertyName: 'type',
    mapping: Object.fromEntries(EVENTS.map(({ type, Dto }) => [type, getSchemaPath(Dto)])),
  },
})
@ApiExtraModels(...EVENTS.map(({ Dto }) => Dto))
export class EventDto {}

export class PolledDto {
  /** What has happened, in each chat in its order. */
  @ApiProperty({ type: [EventDto], example: [] })
  events!: object[];

  /** Where to go on: the `since` of the next poll. */
  @ApiProperty({ maxLength: MAX_ID_LENGTH, example: EXAMPLE_ID })
  id!: string;

  /** Whether nothing was missed. Otherwise load the chats anew. */
  @ApiProperty({ example: true })
  recovered!: boolean;
}
