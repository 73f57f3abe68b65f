import { ApiProperty } from '@nestjs/swagger';

/** The file of a message. */
export class FileDto {
  /**
   * An image's is empty until the upload.
   * @example notes.txt
   */
  filename!: string;

  @ApiProperty({ format: 'uuid', example: '7c9e6679-7425-40de-944b-e07fc1f90ae7' })
  uuid!: string;

  /** Whether the upload has happened. */
  used!: boolean;

  /** In bytes; after the upload. */
  @ApiProperty({ type: 'integer', format: 'int64', minimum: 0, required: false, example: 1024 })
  size?: number;

  /**
   * After the upload.
   * @example text/plain
   */
  contentType?: string;
}
