import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { Logger } from '@nestjs/common';
import { ParleyError } from '../../errors/errors.js';
import { type ByteRange, Storage } from './storage.js';

/** What a STORAGE_URL such as `s3://bucket/prefix?endpoint=…&region=…` says. */
export interface S3Settings {
  bucket: string;
  /** In front of each key: empty, or ends with `/`. */
  prefix: string;
  region: string;
  /** `null`: Amazon's. */
  endpoint: string | null;
}

/** What the client throws: the system's error, or the server's answer. */
interface S3Failure {
  code?: string;
  message: string;
  $metadata?: { httpStatusCode?: number };
}

/** The least that S3 takes as a part: with two of them under way, memory stays flat. */
const PART_SIZE = 5 * 1_048_576;
const PARTS_AT_ONCE = 2;

/** A bucket of Amazon S3 or of a server that speaks its language; credentials from the usual AWS variables. */
export class S3Storage extends Storage {
  readonly isShared = true;
  private readonly logger = new Logger('S3');
  private readonly client: S3Client;

  constructor(private readonly settings: S3Settings) {
    super();
    const { endpoint, region } = settings;
    this.client = new S3Client({
      region,
      ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
      // A download holds a connection as long as its reader likes: of a few, slow ones would take all.
      requestHandler: { httpAgent: { maxSockets: Infinity }, httpsAgent: { maxSockets: Infinity } },
      // Other servers than Amazon's do not all know the newer checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  async write(key: string, bytes: AsyncIterable<Buffer>): Promise<void> {
    const object = this.object(key);
    const upload = new Upload({
      client: this.client,
      // Wrapped, because the client believes a stream that says `size` or `path` of itself.
      params: { ...object, Body: Readable.from(bytes) },
      partSize: PART_SIZE,
      queueSize: PARTS_AT_ONCE,
      leavePartsOnError: true,
    });
    try {
      await upload.done();
    } catch (error) {
      // Here instead of in the client, which would throw the failure of this and hide the reason for it.
      if (upload.uploadId !== undefined) await this.abort(object, upload.uploadId).catch(() => {});
      throw this.explain(error);
    }
  }

  async read(key: string, range?: ByteRange): Promise<Readable> {
    const { Body, ContentLength } = await this.client
      .send(
        new GetObjectCommand({
          ...this.object(key),
          ...(range ? { Range: `bytes=${range.start}-${range.end}` } : {}),
        }),
      )
      .catch((error: unknown) => {
        throw this.explain(error);
      });
    const bytes = Body as Readable;
    if (range && ContentLength !== range.end - range.start + 1) {
      bytes.destroy();
      throw new Error(`the bucket holds other bytes than ${range.start} to ${range.end} of ${key}`);
    }
    return bytes;
  }

  async remove(key: string): Promise<void> {
    const object = this.object(key);
    await this.client.send(new DeleteObjectCommand(object));
    const { Uploads = [] } = await this.client
      .send(new ListMultipartUploadsCommand({ Bucket: object.Bucket, Prefix: object.Key }))
      // Not all servers can list them; then the bucket's own rules have to end what a crash left.
      .catch(() => ({ Uploads: [] }));
    for (const { UploadId } of Uploads) {
      if (UploadId !== undefined) await this.abort(object, UploadId);
    }
  }

  /** A bucket that cannot be reached, or has trouble of its own, is told to the caller and to the log. */
  private explain(error: unknown): unknown {
    const { code = '', message, $metadata } = error as S3Failure;
    if ($metadata?.httpStatusCode === 507) {
      return new ParleyError('storage-full', 'there is no room left to store the file');
    }
    const isAway = /^E[A-Z]+$/.test(code) || ($metadata?.httpStatusCode ?? 0) >= 500;
    if (!isAway) return error;
    this.logger.error(`the bucket is unavailable: ${message}`);
    return new ParleyError('unavailable', 'the file storage is unavailable, try again later');
  }

  private async abort(object: { Bucket: string; Key: string }, UploadId: string): Promise<void> {
    await this.client.send(new AbortMultipartUploadCommand({ ...object, UploadId }));
  }

  private object(key: string) {
    return { Bucket: this.settings.bucket, Key: this.settings.prefix + key };
  }
}
