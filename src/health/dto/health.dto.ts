import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

export type PartState = 'up' | 'down';

const STATE = { enum: ['up', 'down'], example: 'up' };

export class HealthDto {
  @ApiProperty({ ...STATE, description: 'Whether the database answers within 2 seconds.' })
  database!: PartState;

  @ApiProperty({ ...STATE, description: 'Whether the folder or bucket of files does.' })
  storage!: PartState;

  @ApiPropertyOptional({ ...STATE, description: 'Whether Redis does. Missing without `REDIS_URL`.' })
  redis?: PartState;
}
