import { ApiProperty } from '@nestjs/swagger';
import { ErrorDetailsDto } from '../../http/dto/error.dto.js';
import { ApiNextCursor, ApiSchemaRules, EXAMPLE_CHAT } from '../../http/openapi.js';
import type { ErrorFormatter } from '../../http/input.pipe.js';
import { isStorable, isBlank, countCodePoints } from '../../helpers/text.js';
import { IsIndex, IsQueryInteger, IsText, OptionalField, Validated } from '../../http/validation.js';
import { INVALID_FIELDS, MISSING_FIELDS, MISSING_NAME_OR_TOKEN } from '../room-errors.js';
import { IsMessageText } from '../../messages/dto/messages.dto.js';

const MAX = Number.MAX_SAFE_INTEGER;
const MAX_PASSWORD_LENGTH = 1024;
const MAX_NAME_LENGTH = 64;

/** White space around the name is trimmed. */
const ROOM_NAME = `^\\s*\\S(?:[\\s\\S]{0,${MAX_NAME_LENGTH - 2}}\\S)?\\s*$`;

/** 1 to 64 characters, without the white space around them. */
export function validateRoomName(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a string';
  if (!isStorable(value)) return 'must be Unicode text without NUL';
  const length = countCodePoints(value.trim());
  return isBlank(value) || length > MAX_NAME_LENGTH
    ? `must have 1 to ${MAX_NAME_LENGTH} characters`
    : undefined;
}

const IsRoomName = () =>
  Validated(validateRoomName, { type: String, example: 'General Discussion', pattern: ROOM_NAME });

const IsRoomPassword = () => IsText({ min: 0, max: MAX_PASSWORD_LENGTH }, 'secure-password');

const formatMissingFields: ErrorFormatter = ({ property, value, message }) => {
  const isMissing = value === undefined || (typeof value === 'string' && isBlank(value));
  return isMissing ? MISSING_FIELDS : `field '${property}' ${message}`;
};

export class JoinRoomDto {
  static readonly formatError: ErrorFormatter = ({ property, message }) =>
    property === 'name' ? MISSING_NAME_OR_TOKEN : `field '${property}' ${message}`;

  /** Name of the room to join. Must match an existing room name exactly. */
  @IsText({ min: 1, max: 1000, notBlank: true }, 'General Discussion')
  name!: string;

  /** Password for private rooms. Required if joining a private room. */
  @OptionalField()
  @IsRoomPassword()
  password?: string;
}

/** A private room needs a password. */
@ApiSchemaRules({
  anyOf: [
    { properties: { is_private: { const: 0 } } },
    { required: ['password'], properties: { password: { minLength: 1 } } },
  ],
})
export class CreateRoomDto {
  static readonly formatError: ErrorFormatter = () => INVALID_FIELDS;

  /** The name to join by, 1 to 64 characters, unique. */
  @IsRoomName()
  room_name!: string;

  /** 1: a password is due at each joining. Default: 0. */
  @OptionalField()
  @Validated((value) => (value === 0 || value === 1 ? undefined : 'must be 0 or 1'), {
    type: 'integer',
    enum: [0, 1],
    example: 0,
  })
  is_private?: 0 | 1;

  /** Required, and not empty, for a private room; a public one ignores it. */
  @OptionalField()
  @IsRoomPassword()
  password?: string;
}

export class LeaveRoomDto {
  static readonly formatError = formatMissingFields;

  /** The room to leave. */
  @IsIndex(1)
  room_id!: number;
}

export class SendRoomMessageDto {
  static readonly formatError = formatMissingFields;

  @IsIndex(1)
  room_id!: number;

  /** The text to send. */
  @IsMessageText('Hello')
  message!: string;
}

export class RoomMessagesQuery {
  @IsQueryInteger(0, MAX, 1)
  room_id!: string;

  /** Only messages before this index. */
  @OptionalField()
  @IsQueryInteger(0, MAX)
  before?: string;

  /** How many at most; default: 100. */
  @OptionalField()
  @IsQueryInteger(1, 1000, 100)
  limit?: string;
}

export class RoomJoinedDto {
  @ApiProperty({ example: 'john_doe joined room "General Discussion"' })
  message!: string;

  @ApiProperty({ type: 'integer', example: 1 })
  room_id!: number;

  /** @example 'General Discussion' */
  room_name!: string;

  /** The uuid of the room's chat. */
  @ApiProperty({ format: 'uuid', example: EXAMPLE_CHAT })
  chat!: string;
}

export class RoomCreatedDto {
  @ApiProperty({ example: 'room "General Discussion" created' })
  message!: string;

  @ApiProperty({ type: 'integer', example: 1 })
  room_id!: number;

  /** The uuid of the room's chat. */
  @ApiProperty({ format: 'uuid', example: EXAMPLE_CHAT })
  chat!: string;
}

export class RoomAnswerDto {
  /** @example sent */
  message!: string;
}

export class PublicRoomDto {
  @ApiProperty({ type: 'integer', example: 1 })
  room_id!: number;

  /** @example 'General Discussion' */
  name!: string;

  /** Whether the caller is in it. */
  @ApiProperty({ example: true })
  joined!: boolean;
}

export class RoomsDto {
  /** All by name, or a page by id. */
  rooms!: PublicRoomDto[];

  /** The cursor of the next page, `null` at the end; only with `limit`. */
  @ApiNextCursor()
  next?: string | null;
}

export class UserRoomDto {
  @ApiProperty({ type: 'integer', example: 1 })
  room_id!: number;

  /** @example 'General Discussion' */
  name!: string;

  @ApiProperty({ type: 'integer', enum: [0, 1], example: 0 })
  is_private!: 0 | 1;

  /** The uuid of the room's chat. */
  @ApiProperty({ format: 'uuid', example: EXAMPLE_CHAT })
  chat!: string;

  /** Seconds since the Unix epoch, with a fraction. */
  @ApiProperty({ type: 'number', example: 1566456966.27998 })
  joined_at!: number;
}

export class UserRoomsDto {
  /** All, the one joined last first, or a page by id. */
  rooms!: UserRoomDto[];

  /** The cursor of the next page, `null` at the end; only with `limit`. */
  @ApiNextCursor()
  next?: string | null;
}

export class RoomMembersDto {
  /** Usernames, the longest-standing member's first. */
  @ApiProperty({ type: [String], example: ['alex', 'sam'] })
  members!: string[];

  /** The cursor of the next page, `null` at the end; only with `limit`. */
  @ApiNextCursor()
  next?: string | null;
}

export class RoomMessageDto {
  @ApiProperty({ type: 'integer', minimum: 0, example: 0 })
  index!: number;

  /** @example alex */
  username!: string;

  /** @example Hello */
  message!: string;

  /** Seconds since the Unix epoch, with a fraction. */
  @ApiProperty({ type: 'number', example: 1566456966.27998 })
  created_at!: number;

  @ApiProperty({ type: 'integer', example: 1 })
  room_id!: number;
}

export class RoomMessagesDto {
  /** Oldest first. */
  messages!: RoomMessageDto[];
}

export class RoomErrorDto extends ErrorDetailsDto {
  /** For people; the words may change. */
  error!: string;
}
