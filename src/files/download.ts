import type { IncomingHttpHeaders } from 'node:http';
import contentDisposition from 'content-disposition';
import fresh from 'fresh';
import type { FileRow } from './files.repository.js';
import type { ByteRange } from './storage/storage.js';

export interface Download {
  status: 200 | 206 | 304 | 416;
  headers: Record<string, string | number>;
  /** The bytes to send. Missing if the answer has no bytes of the file. */
  range?: ByteRange;
}

/** Chooses the status, the headers and the bytes of a download. */
export function prepareDownload(file: FileRow, method: string, request: IncomingHttpHeaders): Download {
  const etag = `"${file.sha256}"`;
  const headers = {
    etag,
    'cache-control': 'private',
    'accept-ranges': 'bytes',
    'content-security-policy': "default-src 'none'; sandbox",
  };
  // Do not pass Cache-Control: fetch() adds `no-cache` whenever its caller sets If-None-Match, and `fresh` would never
  // allow a 304. In RFC 9111 `no-cache` addresses caches, not the origin.
  if (fresh({ 'if-none-match': request['if-none-match'] }, { etag })) return { status: 304, headers };

  // RFC 9110, 14.2: a range counts for GET alone.
  const range = method === 'GET' ? findRange(request, etag, file.size) : undefined;
  if (range === 'unsatisfiable') {
    return { status: 416, headers: { ...headers, 'content-range': `bytes */${file.size}` } };
  }
  const bytes = range ?? { start: 0, end: file.size - 1 };
  const fileHeaders = {
    ...headers,
    'content-type': file.content_type,
    'content-disposition': attachment(file.filename || 'file'),
    'content-length': bytes.end - bytes.start + 1,
  };
  if (!range) return { status: 200, headers: fileHeaders, range: bytes };
  const contentRange = `bytes ${range.start}-${range.end}/${file.size}`;
  return { status: 206, headers: { ...fileHeaders, 'content-range': contentRange }, range };
}

const SINGLE_RANGE = /^bytes=\s*(?:(\d+)-(\d*)|-(\d+))\s*$/i;

/** Returns undefined for the whole file: several or broken ranges, other units, a stale If-Range (RFC 9110, 14.2). */
function findRange(
  { range = '', 'if-range': ifRange = '' }: IncomingHttpHeaders,
  etag: string,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const match = SINGLE_RANGE.exec(range);
  if (!match || (ifRange && ifRange !== etag)) return undefined;
  const [, first, last, suffixLength] = match;
  if (last && Number(last) < Number(first)) return undefined;
  const start = suffixLength ? Math.max(0, size - Number(suffixLength)) : Number(first);
  const end = last ? Math.min(Number(last), size - 1) : size - 1;
  return start <= end ? { start, end } : 'unsatisfiable';
}

/** `filename` is an ASCII fallback, `filename*` (RFC 6266) carries the exact name. Slashes become underscores. */
function attachment(filename: string): string {
  const name = filename.replace(/[/\\]/g, '_');
  return contentDisposition(name, { fallback: name.replace(/[^\x20-\x7e]/g, '_') });
}
