import { ApiProperty } from '@nestjs/swagger';

export class FileDto {
  @ApiProperty({ description: 'Empty for an image that has not been uploaded.', example: 'notes.txt' })
  filename!: string;

  @ApiProperty({ format: 'uuid', example: '7c9e6679-7425-40de-944b-e07fc1f90ae7' })
  uuid!: string;

  /** Whether the file has been uploaded. */
  used!: boolean;

  /** In bytes. Missing before the upload. */
  @ApiProperty({ type: 'integer', format: 'int64', minimum: 0, required: false, example: 1024 })
  size?: number;

  @ApiProperty({ description: 'Missing before the upload.', example: 'text/plain' })
  contentType?: string;
}
