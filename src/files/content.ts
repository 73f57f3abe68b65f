import { createHash } from 'node:crypto';
import { fileTypeFromBuffer } from 'file-type';

/** As much of a file's start as its kind can be told from. */
const HEAD = 4_100;

/** Counts and hashes bytes on their way, and remembers the start of them. */
export class ContentMeter {
  size = 0;
  private readonly hash = createHash('sha256');
  private head = Buffer.alloc(0);

  /** Passes the bytes on, piece by piece: no more than one is held here. */
  async *read(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
    for await (const chunk of bytes) {
      this.size += chunk.length;
      this.hash.update(chunk);
      if (this.head.length < HEAD)
        this.head = Buffer.concat([this.head, chunk.subarray(0, HEAD - this.head.length)]);
      yield chunk;
    }
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
