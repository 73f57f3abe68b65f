import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { invalidInput, ParleyError } from '../errors/errors.js';
import { countCodePoints, isStorable } from '../helpers/text.js';
import { fileTooLarge } from './file-errors.js';

export interface FilePart {
  filename: string;
  contentType: string;
  bytes: Readable;
}

const MAX_FILENAME_LENGTH = 255;
const MAX_PARTS = 100;
const MAX_FIELD_BYTES = 1_024;

const CONTENT_TYPE = /^[\w!#$&^.+-]{1,63}\/[\w!#$&^.+-]{1,63}$/;

/**
 * Streams the part `file` of a multipart form to `store` and reads the form to its end. If that fails after `store` has
 * returned, the caller must delete the stored bytes.
 * @throws ParleyError (malformed_request), (invalid_field) unless the form has exactly one part `file`, (too_large) beyond `maxSize` bytes.
 */
export async function readFilePart<T>(
  request: FastifyRequest,
  maxSize: number,
  store: (part: FilePart) => Promise<T>,
): Promise<T> {
  if (!request.isMultipart()) {
    if (request.body === undefined) throw missingPart();
    throw new ParleyError('malformed_request', "header 'Content-Type' must be 'multipart/form-data'");
  }
  // If the client has disconnected, the stream would never emit `end`.
  if (request.raw.destroyed) throw malformedForm();
  const tooLarge = fileTooLarge(maxSize);
  const limits = { parts: MAX_PARTS, fieldSize: MAX_FIELD_BYTES, fileSize: maxSize };
  let result: { value: T } | undefined;
  let storing: Readable | undefined;
  try {
    for await (const part of request.parts({ limits })) {
      if (part.type !== 'file') {
        if (part.fieldname === 'file') throw invalidInput('form field', 'file', 'must be a file');
        continue;
      }
      if (part.fieldname !== 'file') {
        part.file.resume();
        continue;
      }
      if (result) {
        part.file.resume();
        throw invalidInput('form field', 'file', 'must be present once');
      }
      const { filename, mimetype, file } = part;
      // Stop at the limit instead of reading the rest of the upload.
      file.once('limit', () => file.destroy(tooLarge));
      // If the first chunk exceeds the limit, `limit` has already been emitted.
      if (file.truncated) throw tooLarge;
      const contentType = CONTENT_TYPE.test(mimetype) ? mimetype : 'application/octet-stream';
      storing = file;
      result = { value: await store({ filename: sanitizeFilename(filename), contentType, bytes: file }) };
      storing = undefined;
    }
  } catch (error) {
    // Most clients read the answer only after they have sent the whole body.
    request.raw.unpipe();
    request.raw.resume();
    if (request.raw.destroyed && !request.raw.complete) throw malformedForm();
    const partError = storing?.errored;
    // A storage that fails leaves the part with an AbortError. Any other error of the part comes from the form, and
    // the storage's error only follows from it.
    if (partError && partError.name !== 'AbortError')
      throw partError === tooLarge ? tooLarge : malformedForm();
    throw storing || error instanceof ParleyError ? error : malformedForm();
  }
  if (!result) throw missingPart();
  return result.value;
}

const missingPart = () => invalidInput('form field', 'file', 'must be present');
const malformedForm = () => new ParleyError('malformed_request', 'multipart form is not valid');

function sanitizeFilename(filename: string | undefined): string {
  const name = (filename ?? '').toWellFormed().replace(/[\p{Cc}\u2028\u2029]/gu, '');
  const last = name.split(/[/\\]/).at(-1) ?? '';
  return last === '.' || last === '..' ? '' : Array.from(last).slice(0, MAX_FILENAME_LENGTH).join('');
}

export function validateFilename(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a string';
  if (!isStorable(value)) return 'must be Unicode text without NUL';
  const length = countCodePoints(value);
  return length >= 1 && length <= MAX_FILENAME_LENGTH
    ? undefined
    : `must have 1 to ${MAX_FILENAME_LENGTH} characters`;
}
