import { ApiProperty } from '@nestjs/swagger';
import { ValidateIf } from 'class-validator';
import { Validated, IsQueryInteger, OptionalField, textValidator } from '../../http/validation.js';
import { FileDto } from '../../files/dto/files.dto.js';
import { validateFilename } from '../../files/file-parts.js';
import { UserDto } from '../../users/dto/users.dto.js';

const MAX = Number.MAX_SAFE_INTEGER;

/** The largest value of MAX_MESSAGE_LENGTH. The service checks the configured value. */
const MAX_TEXT_LENGTH = 16_383;

/** A message's text: 1 to MAX_MESSAGE_LENGTH characters, not white space alone. */
export const IsMessageText = (example: string) =>
  Validated(textValidator({ min: 1, max: MAX_TEXT_LENGTH, notBlank: true }), {
    example,
    minLength: 1,
    maxLength: MAX_TEXT_LENGTH,
    type: String,
  });

const MESSAGE_TYPES = ['message', 'image', 'file'] as const;

export type MessageType = (typeof MESSAGE_TYPES)[number];

const validateCaption = textValidator({ min: 0, max: MAX_TEXT_LENGTH });
const validateText = textValidator({ min: 1, max: MAX_TEXT_LENGTH, notBlank: true });

export class SendMessageDto {
  /** Type of message. */
  @Validated(
    (value) =>
      MESSAGE_TYPES.some((type) => type === value) ? undefined : "must be 'message', 'image' or 'file'",
    { enum: MESSAGE_TYPES, example: 'message' },
  )
  type!: MessageType;

  /** Text of a message, or optional caption of an image. Ignored for files. */
  @ValidateIf(
    ({ type, message }: SendMessageDto) => type === 'message' || (type === 'image' && message !== undefined),
  )
  @Validated<SendMessageDto>(
    (value, { type }) => (type === 'image' ? validateCaption : validateText)(value),
    {
      type: String,
      required: false,
      maxLength: MAX_TEXT_LENGTH,
      example: 'Hello',
    },
  )
  message?: string;

  /** The name of the file; with a file alone. */
  @ValidateIf(({ type }: SendMessageDto) => type === 'file')
  @Validated(validateFilename, {
    type: String,
    required: false,
    minLength: 1,
    maxLength: 255,
    example: 'notes.txt',
  })
  filename?: string;
}

export class EditMessageDto {
  /** New message content; a caption may be edited to `""`. */
  @Validated(validateCaption, { type: String, maxLength: MAX_TEXT_LENGTH, example: 'Some new message' })
  message!: string;
}

/** Which messages to list. The values are the query's texts, checked to be numbers. */
export class ListMessagesQuery {
  /** Page to view; default: 0. Pages count the messages that exist. */
  @OptionalField()
  @IsQueryInteger(0, MAX, 0)
  page?: string;

  /** Number of messages to show per page; default: 100. */
  @OptionalField()
  @IsQueryInteger(1, 1000, 100)
  per_page?: string;

  /** Instead of `page`: the messages just before this index. */
  @OptionalField()
  @IsQueryInteger(0, MAX)
  before?: string;

  /** Instead of `page`: the messages just after this index. */
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

  /**
   * Where to POST the bytes; for an image or a file.
   * @example http://127.0.0.1:3000/api/files/7c9e6679-7425-40de-944b-e07fc1f90ae7
   */
  url?: string;

  /** The file's; for an image or a file. */
  @ApiProperty({ format: 'uuid', required: false, example: '7c9e6679-7425-40de-944b-e07fc1f90ae7' })
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
