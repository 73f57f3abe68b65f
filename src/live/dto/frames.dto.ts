import { ApiExtraModels, ApiProperty, getSchemaPath } from '@nestjs/swagger';
import type { Type } from '@nestjs/common';
import { z } from 'zod';
import { ReadStateDto } from '../../chats/dto/chats.dto.js';
import { ErrorDetailsDto } from '../../http/dto/error.dto.js';
import { ApiSchemaRules } from '../../http/openapi.js';
import { SentDto } from '../../messages/dto/messages.dto.js';
import type { EndReason } from '../fan-out.js';
import { frameSchema } from '../frames.js';
import { EventDto, EXAMPLE_ID } from './events.dto.js';

const EXAMPLE_KEY = '0b8e3c6e-6e0b-4f0e-9d5a-0f6f1f1c2d3e';

const oneOf = (...models: Type[]) => ({ oneOf: models.map((Model) => ({ $ref: getSchemaPath(Model) })) });

/** What a client sends over a WebSocket. */
@ApiSchemaRules({ oneOf: z.toJSONSchema(frameSchema, { io: 'input' }).oneOf })
export class ClientFrameDto {}

export class ReadyFrameDto {
  @ApiProperty({ enum: ['ready'], example: 'ready' })
  type!: 'ready';

  /** Resumes after what is known so far. */
  @ApiProperty({ example: EXAMPLE_ID })
  id!: string;

  /** Whether nothing was missed. Otherwise load the chats anew. */
  @ApiProperty({ example: true })
  recovered!: boolean;
}

@ApiExtraModels(SentDto, ReadStateDto)
export class AckFrameDto {
  @ApiProperty({ enum: ['ack'], example: 'ack' })
  type!: 'ack';

  /** That of the frame which has taken effect. */
  @ApiProperty({ example: EXAMPLE_KEY })
  id!: string;

  @ApiProperty({ ...oneOf(SentDto, ReadStateDto), example: { index: 0, timestamp: 1566456966279980000 } })
  data!: SentDto | ReadStateDto;
}

export class ErrorFrameDto extends ErrorDetailsDto {
  @ApiProperty({ enum: ['error'] })
  type!: 'error';

  /** That of the frame which was refused, if it had one. */
  @ApiProperty({ required: false })
  id?: string;

  /** For people; the words may change. */
  reason!: string;

  /** In seconds. */
  @ApiProperty({ type: 'integer', minimum: 1, required: false })
  retryAfter?: number;
}

export class PongFrameDto {
  @ApiProperty({ enum: ['pong'], example: 'pong' })
  type!: 'pong';
}

const SERVER_FRAMES = [ReadyFrameDto, AckFrameDto, ErrorFrameDto, PongFrameDto, EventDto];

/** What the server sends over a WebSocket. */
@ApiSchemaRules(oneOf(...SERVER_FRAMES))
@ApiExtraModels(...SERVER_FRAMES)
export class ServerFrameDto {}

/** The data of the first of the server-sent events, `ready`. */
export class StreamReadyDto {
  /** Whether nothing was missed. Otherwise load the chats anew. */
  @ApiProperty({ example: true })
  recovered!: boolean;
}

/** The data of the last of the server-sent events, `closed`. */
export class StreamClosedDto {
  /** Why the server ends the stream. */
  @ApiProperty({ enum: ['token_invalid', 'restart', 'too_slow'], example: 'restart' })
  code!: EndReason;
}
