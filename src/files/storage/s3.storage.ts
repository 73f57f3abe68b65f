import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { Logger } from '@nestjs/common';
import { storageFull, storageUnavailable } from '../file-errors.js';
import { type ByteRange, Storage } from './storage.js';

export interface S3Settings {
  bucket: string;
  /** Empty, or ends with `/`. */
  prefix: string;
  region: string;
  endpoint: string | null;
}

interface S3Error {
  name: string;
  code?: string;
  message: string;
  $metadata?: { httpStatusCode?: number };
}

/** In bytes. The minimum of S3, because every upload buffers MAX_CONCURRENT_PARTS parts. */
const PART_SIZE = 5 * 1_048_576;
const MAX_CONCURRENT_PARTS = 2;

const PING_TIMEOUT_MS = 2_000;
const CONNECTION_TIMEOUT_MS = 5_000;
/** Of a connection on which nothing moves. */
const STALL_TIMEOUT_MS = 30_000;

/** Keeps files in a bucket of Amazon S3 or a compatible server. Credentials come from the usual AWS variables. */
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
      // A slow download holds its connection, so a limit would let slow clients block all others.
      requestHandler: {
        httpAgent: { maxSockets: Infinity },
        httpsAgent: { maxSockets: Infinity },
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        socketTimeout: STALL_TIMEOUT_MS,
      },
      // Some compatible servers do not support the newer checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  async write(key: string, bytes: AsyncIterable<Buffer>): Promise<void> {
    const object = this.locate(key);
    const upload = new Upload({
      client: this.client,
      // Wrap the stream, because the client would trust its `size` and `path` properties.
      params: { ...object, Body: Readable.from(bytes) },
      partSize: PART_SIZE,
      queueSize: MAX_CONCURRENT_PARTS,
      leavePartsOnError: true,
    });
    try {
      await upload.done();
    } catch (error) {
      // The client's own abort would hide this error behind its own failure.
      if (upload.uploadId !== undefined) await this.abort(object, upload.uploadId).catch(() => {});
      throw this.translateError(error);
    }
  }

  async read(key: string, range?: ByteRange): Promise<Readable> {
    const { Body, ContentLength } = await this.client
      .send(
        new GetObjectCommand({
          ...this.locate(key),
          ...(range ? { Range: `bytes=${range.start}-${range.end}` } : {}),
        }),
      )
      .catch((error: unknown) => {
        throw this.translateError(error);
      });
    const bytes = Body as Readable;
    if (range && ContentLength !== range.end - range.start + 1) {
      bytes.destroy();
      throw new Error(`the bucket holds other bytes than ${range.start} to ${range.end} of ${key}`);
    }
    return bytes;
  }

  async ping(): Promise<void> {
    const { bucket: Bucket } = this.settings;
    const abortSignal = AbortSignal.timeout(PING_TIMEOUT_MS);
    await this.client.send(new HeadBucketCommand({ Bucket }), { abortSignal }).catch((error: S3Error) => {
      // The bucket answers, though its policy may allow objects alone.
      if (error.$metadata?.httpStatusCode !== 403) throw error;
    });
  }

  async remove(key: string): Promise<void> {
    const object = this.locate(key);
    await this.client.send(new DeleteObjectCommand(object));
    const { Uploads = [] } = await this.client
      .send(new ListMultipartUploadsCommand({ Bucket: object.Bucket, Prefix: object.Key }))
      // Servers that cannot list uploads need a lifecycle rule that aborts incomplete ones.
      .catch(() => ({ Uploads: [] }));
    for (const { UploadId } of Uploads) {
      if (UploadId !== undefined) await this.abort(object, UploadId);
    }
  }

  private translateError(error: unknown): unknown {
    const { code = '', name, message, $metadata } = error as S3Error;
    if ($metadata?.httpStatusCode === 507) return storageFull();
    const isUnavailable =
      /^E[A-Z]+$/.test(code) || name === 'TimeoutError' || ($metadata?.httpStatusCode ?? 0) >= 500;
    if (!isUnavailable) return error;
    this.logger.error(`the bucket is unavailable: ${message}`);
    return storageUnavailable();
  }

  private async abort(object: { Bucket: string; Key: string }, UploadId: string): Promise<void> {
    await this.client.send(new AbortMultipartUploadCommand({ ...object, UploadId }));
  }

  private locate(key: string) {
    return { Bucket: this.settings.bucket, Key: this.settings.prefix + key };
  }
}
