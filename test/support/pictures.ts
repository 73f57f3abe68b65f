import { crc32, deflateSync } from 'node:zlib';

/** Returns a real picture, an evening sky, as PNG. */
export function pictureOf(width: number, height: number): Buffer {
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([8, 2], 8);
  const rowAt = (y: number) => {
    const light = Math.round((255 * y) / height);
    return Buffer.concat([Buffer.alloc(1), Buffer.alloc(width * 3, Buffer.from([light, 110, 255 - light]))]);
  };
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, (_, y) => rowAt(y))));
  return png(chunk('IHDR', size), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0)));
}

const png = (...chunks: Buffer[]) =>
  Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), ...chunks]);

function chunk(type: string, content: Uint8Array): Buffer {
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  const named = Buffer.concat([Buffer.from(type), content]);
  checksum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, checksum]);
}

const HEADER = chunk('IHDR', Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0]));

/** Small files with the magic numbers of images, by content type. */
export const PICTURES: Record<string, Buffer> = {
  'image/png': png(HEADER, chunk('IDAT', Buffer.alloc(1)), chunk('IEND', Buffer.alloc(0))),
  'image/jpeg': Buffer.from([
    0xff, 0xd8, 0xff, 0xe0, 0, 0x10, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1,
  ]),
  'image/gif': Buffer.from('GIF89a\x01\x00\x01\x00\x00\x00\x00;', 'latin1'),
  'image/webp': Buffer.from('RIFF\x0c\x00\x00\x00WEBPVP8L\x00\x00\x00\x00', 'latin1'),
  'image/avif': Buffer.from('\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1avif', 'latin1'),
};

export const PNG = PICTURES['image/png'];

/** A PNG with a colour profile of 20 kB before its pixels, as cameras write. */
export const PNG_WITH_LONG_PROFILE = png(
  HEADER,
  chunk('iCCP', Buffer.alloc(20_000)),
  chunk('IDAT', Buffer.alloc(1)),
);
