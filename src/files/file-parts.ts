import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { invalid, ParleyError } from '../errors/errors.js';
import { codePoints, isStorable } from '../helpers/text.js';

/** The part `file` of a multipart form, as its bytes arrive. */
export interface FilePart {
  /** The name given with it, made safe to store; may be empty. */
  filename: string;
  contentType: string;
  bytes: Readable;
}

const MAX_FILENAME_LENGTH = 255;

/** What else a form may hold is ignored, and so are its limits in what it may cost. */
const OTHER_PARTS = { parts: 100, fieldSize: 1_024 };

const CONTENT_TYPE = /^[\w!#$&^.+-]{1,63}\/[\w!#$&^.+-]{1,63}$/;

/**
 * Reads a form with exactly one part `file`: hands it to `store` while it arrives, and reads on to the end,
 * because a second one would make the form wrong.
 *
 * @throws ParleyError (invalid) when the form is broken or its parts are not those; (too-large).
 */
export async function readFilePart<T>(
  request: FastifyRequest,
  maxSize: number,
  store: (part: FilePart) => Promise<T>,
): Promise<T> {
  if (!request.isMultipart()) {
    if (request.body === undefined) throw missing();
    throw invalid("header 'Content-Type' must be 'multipart/form-data'");
  }
  // Of a client that has gone away meanwhile nothing would ever come, not even an end.
  if (request.raw.destroyed) throw brokenForm();
  const tooLarge = new ParleyError('too-large', `uploaded file must have at most ${maxSize} bytes`);
  let result: { value: T } | undefined;
  try {
    for await (const part of request.parts({ limits: { ...OTHER_PARTS, fileSize: maxSize } })) {
      if (part.type !== 'file') {
        if (part.fieldname === 'file') throw invalid("form field 'file' must be a file");
        continue;
      }
      if (part.fieldname !== 'file') {
        part.file.resume();
        continue;
      }
      if (result) {
        part.file.resume();
        throw invalid("form field 'file' must be present once");
      }
      const { filename, mimetype, file } = part;
      // At once, and not after whatever the client has to say beyond the limit.
      file.once('limit', () => file.destroy(tooLarge));
      // What came in one piece with the part's head has passed the limit before anybody could listen.
      if (file.truncated) throw tooLarge;
      const contentType = CONTENT_TYPE.test(mimetype) ? mimetype : 'application/octet-stream';
      result = { value: await store({ filename: safeName(filename), contentType, bytes: file }) };
    }
  } catch (error) {
    // What still comes is read and dropped, so that the client gets to read the answer.
    request.raw.unpipe();
    request.raw.resume();
    const clientIsGone = request.raw.destroyed && !request.raw.complete;
    throw clientIsGone ? brokenForm() : asParleyError(error);
  }
  if (!result) throw missing();
  return result.value;
}

const missing = () => invalid("form field 'file' must be present");
const brokenForm = () => invalid('multipart form is not valid');

const BUSBOY_ERROR =
  /^(Multipart:|Malformed|Missing Content-Type|Unsupported content type|Unexpected end|Part term|The needle)/i;

/**
 * What the form's plugin throws, or busboy, whose errors carry nothing but a message, means that the form is
 * broken; all else, the storage's trouble included, means what it says.
 */
function asParleyError(error: unknown): unknown {
  const { code, name, message } = error as { code?: string; name?: string; message?: string };
  const isFormError =
    code?.startsWith('FST_') || (!code && name === 'Error' && BUSBOY_ERROR.test(message ?? ''));
  return isFormError ? brokenForm() : error;
}

/** The name's last part, without characters that cannot be stored, at most 255 of them. */
function safeName(filename: string | undefined): string {
  const name = (filename ?? '').toWellFormed().replace(/[\p{Cc}\u2028\u2029]/gu, '');
  const last = name.split(/[/\\]/).at(-1) ?? '';
  return last === '.' || last === '..' ? '' : Array.from(last).slice(0, MAX_FILENAME_LENGTH).join('');
}

/** The rule for the name of a file that is sent: what the link's message shows. */
export function filenameComplaint(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a string';
  if (!isStorable(value)) return 'must be Unicode text without NUL';
  const length = codePoints(value);
  return length >= 1 && length <= MAX_FILENAME_LENGTH
    ? undefined
    : `must have 1 to ${MAX_FILENAME_LENGTH} characters`;
}
