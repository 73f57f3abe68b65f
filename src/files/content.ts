import { createHash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { fileTypeFromBuffer } from 'file-type';

/** As much of a file's start as its kind can be told from. */
const HEAD = 4_100;

/** Lets bytes through, and counts, hashes and remembers the start of them. */
export class ContentMeter extends Transform {
  size = 0;
  private readonly hash = createHash('sha256');
  private head = Buffer.alloc(0);

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.size += chunk.length;
    this.hash.update(chunk);
    if (this.head.length < HEAD)
      this.head = Buffer.concat([this.head, chunk.subarray(0, HEAD - this.head.length)]);
    done(null, chunk);
  }

  /** Of all that came through, in hexadecimal; to be asked once, at the end. */
  sha256(): string {
    return this.hash.digest('hex');
  }

  /** The type of image that the bytes are, whatever anybody says, or nothing. SVG is a document, not an image. */
  async imageType(): Promise<{ mime: string; ext: string } | undefined> {
    const type = await fileTypeFromBuffer(this.head);
    return type?.mime.startsWith('image/') && type.mime !== 'image/svg+xml' ? type : undefined;
  }
}
