import { createHash } from 'node:crypto';
import { fileTypeFromBuffer } from 'file-type';

/** `file-type` recognises images within this many bytes. */
const MAX_HEAD_SIZE = 4_100;

export class ContentInspector {
  size = 0;
  private readonly hash = createHash('sha256');
  private head = Buffer.alloc(0);

  async *inspect(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
    for await (const chunk of bytes) {
      this.size += chunk.length;
      this.hash.update(chunk);
      if (this.head.length < MAX_HEAD_SIZE)
        this.head = Buffer.concat([this.head, chunk.subarray(0, MAX_HEAD_SIZE - this.head.length)]);
      yield chunk;
    }
  }

  digestSha256(): string {
    return this.hash.digest('hex');
  }

  /** Recognises images by their magic number. SVG is not accepted, because it can contain scripts. */
  async findImageType(): Promise<{ mime: string; ext: string } | undefined> {
    const type = await fileTypeFromBuffer(this.head);
    return type?.mime.startsWith('image/') && type.mime !== 'image/svg+xml' ? type : undefined;
  }
}
