import type { IncomingHttpHeaders } from 'node:http';
import contentDisposition from 'content-disposition';
import type { FileRow } from './files.repository.js';
import type { ByteRange } from './storage/storage.js';

/** What a download answers. */
export interface Download {
  status: 200 | 206 | 304 | 416;
  headers: Record<string, string | number>;
  /** The bytes to send, where there are any. */
  range?: ByteRange;
}

/** Decides which bytes a download is of, and under which headers ("Files" in the contract). */
export function prepareDownload(file: FileRow, request: IncomingHttpHeaders): Download {
  const etag = `"${file.sha256}"`;
  const headers = {
    etag,
    'cache-control': 'private',
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
  };
  if (matches(request['if-none-match'], etag)) return { status: 304, headers };

  const range = requestedRange(request, etag, file.size);
  if (range === 'unsatisfiable') {
    return { status: 416, headers: { ...headers, 'content-range': `bytes */${file.size}` } };
  }
  const bytes = range ?? { start: 0, end: file.size - 1 };
  const described = {
    ...headers,
    'content-type': file.content_type,
    'content-disposition': disposition(file.filename || 'file'),
    'content-length': bytes.end - bytes.start + 1,
  };
  if (!range) return { status: 200, headers: described, range: bytes };
  const contentRange = `bytes ${range.start}-${range.end}/${file.size}`;
  return { status: 206, headers: { ...described, 'content-range': contentRange }, range };
}

const SINGLE_RANGE = /^bytes=\s*(?:(\d+)-(\d*)|-(\d+))\s*$/i;

/** A single range; several, broken ones and those of other units are answered with the whole file, as HTTP allows. */
function requestedRange(
  { range, 'if-range': ifRange }: IncomingHttpHeaders,
  etag: string,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const found =
    range === undefined || (ifRange !== undefined && ifRange !== etag) ? null : SINGLE_RANGE.exec(range);
  if (!found) return undefined;
  const [, first, last, suffix] = found;
  if (last && Number(last) < Number(first)) return undefined;
  const start = suffix === undefined ? Number(first) : Math.max(0, size - Number(suffix));
  const end = Math.min(last ? Number(last) : Infinity, size - 1);
  return start <= end ? { start, end } : 'unsatisfiable';
}

function matches(header: string | undefined, etag: string): boolean {
  if (!header) return false;
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

/**
 * In ASCII for old clients, and exactly, in RFC 6266's second form, for all others; but for what would be a
 * path, of which clients and the library keep the end alone.
 */
function disposition(filename: string): string {
  const name = filename.replace(/[/\\]/g, '_');
  return contentDisposition(name, { fallback: name.replace(/[^\x20-\x7e]/g, '_') });
}
