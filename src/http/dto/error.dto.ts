import { ApiProperty } from '@nestjs/swagger';
import { ERROR_CODES, type ErrorCode } from '../../errors/errors.js';

/** Adds `code` and `field`, which all error bodies have. */
export class ErrorDetailsDto {
  /** For programs: the list is closed. */
  @ApiProperty({ enum: ERROR_CODES, enumName: 'ErrorCode' })
  code!: ErrorCode;

  /** The field or parameter at fault, if it is one alone. */
  @ApiProperty({ required: false })
  field?: string;
}

export class ErrorDto extends ErrorDetailsDto {
  @ApiProperty({ enum: ['error'] })
  status!: 'error';

  /** For people; the words may change. */
  reason!: string;
}
