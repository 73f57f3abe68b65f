import type { Type } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import type { VariantFinder } from '../../http/input.pipe.js';
import { EXAMPLE_FILE } from '../../http/openapi.js';
import { IsQueryInteger, IsText, OptionalField, Validated } from '../../http/validation.js';
import { FileDto } from '../../files/dto/files.dto.js';
import { validateFilename } from '../../files/file-parts.js';
import { UserDto } from '../../users/dto/users.dto.js';

const MAX = Number.MAX_SAFE_INTEGER;

/** The largest value of MAX_MESSAGE_LENGTH. The service checks the configured value. */
const MAX_TEXT_LENGTH = 16_383;

/** A message's text: 1 to MAX_MESSAGE_LENGTH characters, not white space alone. */
export const IsMessageText = (example: string) =>
  IsText({ min: 1, max: MAX_TEXT_LENGTH, notBlank: true }, example);

const IsCaption = (example: string) => IsText({ min: 0, max: MAX_TEXT_LENGTH }, example);

const MESSAGE_TYPES = ['message', 'image', 'file'] as const;

export type MessageType = (typeof MESSAGE_TYPES)[number];

const IsType = (...types: MessageType[]) =>
  Validated(
    (value) => (types.some((type) => type === value) ? undefined : "must be 'message', 'image' or 'file'"),
    {
      enum: types,
      example: types[0],
    },
  );

export class SendTextDto {
  /** Type of message. */
  @IsType('message')
  type!: 'message';

  /** The text. */
  @IsMessageText('Hello')
  message!: string;
}

export class SendImageDto {
  /** Type of message. */
  @IsType('image')
  type!: 'image';

  /** Optional caption of the image. */
  @OptionalField()
  @IsCaption('A caption')
  message?: string;
}

export class SendFileDto {
  /** Type of message. */
  @IsType('file')
  type!: 'file';

  /** The name of the file. */
  @Validated(validateFilename, { type: String, minLength: 1, maxLength: 255, example: 'notes.txt' })
  filename!: string;
}

/** One of the three, by its type. */
export class SendMessageDto {
  static readonly variantOf: VariantFinder = ({ type }) =>
    new Map<unknown, Type>([
      ['message', SendTextDto],
      ['image', SendImageDto],
      ['file', SendFileDto],
    ]).get(type);

  @IsType(...MESSAGE_TYPES)
  type!: MessageType;

  message?: string;

  filename?: string;
}

export class EditMessageDto {
  /** New message content; a caption may be edited to `""`. */
  @IsCaption('Some new message')
  message!: string;
}

/** Which messages to list. The values are the query's texts, checked to be numbers. */
export class ListMessagesQuery {
  /** Page to view; default: 0. Pages count the messages that exist. Not together with `before` or `after`. */
  @OptionalField()
  @IsQueryInteger(0, MAX, 0)
  page?: string;

  /** Number of messages to show per page; default: 100. */
  @OptionalField()
  @IsQueryInteger(1, 1000, 100)
  per_page?: string;

  /** Instead of `page` or `after`: the messages just before this index. */
  @OptionalField()
  @IsQueryInteger(0, MAX)
  before?: string;

  /** Instead of `page` or `before`: the messages just after this index. */
  @OptionalField()
  @IsQueryInteger(0, MAX)
  after?: string;

  /** `asc` (default): oldest first; `desc`: newest first. */
  @OptionalField()
  @Validated((value) => (value === 'asc' || value === 'desc' ? undefined : "must be 'asc' or 'desc'"), {
    enum: ['asc', 'desc'],
    example: 'asc',
  })
  order?: 'asc' | 'desc';
}

export class MessageDto {
  /** From 0, fixed for the message's life. */
  @ApiProperty({ type: 'integer', minimum: 0, example: 0 })
  index!: number;

  @ApiProperty({ enum: MESSAGE_TYPES, example: 'message' })
  type!: MessageType;

  sender!: UserDto;

  /** The text, or an image's caption. */
  @ApiProperty({ example: 'Some sent message' })
  message!: string;

  /** `null` on a text message. */
  @ApiProperty({ type: FileDto, nullable: true, example: null })
  file!: FileDto | null;

  /** When it was sent: nanoseconds since the Unix epoch, strictly increasing within a chat. */
  @ApiProperty({ type: 'integer', format: 'int64', example: 1566456966279980000 })
  timestamp!: number;

  /** When it was last edited, or `null`. */
  @ApiProperty({ type: 'integer', format: 'int64', nullable: true, example: null })
  edited!: number | null;
}

export class SentDto {
  /** The new message's index. */
  @ApiProperty({ type: 'integer', minimum: 0, example: 0 })
  index!: number;

  /** Nanoseconds since the Unix epoch. */
  @ApiProperty({ type: 'integer', format: 'int64', example: 1566456966279980000 })
  timestamp!: number;

  /** Where to POST the bytes; for an image or a file. */
  @ApiProperty({ required: false, example: `http://127.0.0.1:3000/api/files/${EXAMPLE_FILE}` })
  url?: string;

  /** The file's; for an image or a file. */
  @ApiProperty({ format: 'uuid', required: false, example: EXAMPLE_FILE })
  uuid?: string;
}

export class MessagePageDto {
  messages!: MessageDto[];

  /** The page asked for; not with `before` or `after`. */
  @ApiProperty({ type: 'integer', minimum: 0, example: 0, required: false })
  page?: number;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: 1000, example: 100 })
  perPage!: number;
}
