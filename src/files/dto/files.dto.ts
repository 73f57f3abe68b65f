import { ApiProperty } from '@nestjs/swagger';
import { EXAMPLE_FILE } from '../../http/openapi.js';

export class FileDto {
  @ApiProperty({ description: 'Empty for an image that has not been uploaded.', example: 'notes.txt' })
  filename!: string;

  @ApiProperty({ format: 'uuid', example: EXAMPLE_FILE })
  uuid!: string;

  /** Whether the file has been uploaded. */
  @ApiProperty({ example: true })
  used!: boolean;

  /** In bytes. Missing before the upload. */
  @ApiProperty({ type: 'integer', format: 'int64', minimum: 0, required: false, example: 1024 })
  size?: number;

  @ApiProperty({ description: 'Missing before the upload.', example: 'text/plain' })
  contentType?: string;
}
