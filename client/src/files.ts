import { repeat } from './backoff.js';
import { errorOfAnswer, isUnauthorized, ParleyError, unreachable } from './errors.js';
import { catchNetworkErrors, type Http } from './http.js';
import { randomKey } from './random-key.js';
import type { Signal } from './signal.js';
import type { Sent } from './types.js';

/** What an upload tells of itself, in bytes. */
export interface Progress {
  loaded: number;
  total: number;
}

export interface UploadOptions {
  /** An image is shown in the chat. By default whatever browsers can show is one. */
  type?: 'image' | 'file';
  /** The caption of an image. */
  caption?: string;
  onProgress?: (progress: Progress) => void;
  /** Gives up, and deletes the message. */
  signal?: AbortSignal;
}

/** The message, and the uuid of its file. */
export type Uploaded = Sent & { uuid: string };

const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'];

/** A server that refuses a file before its end may look like a connection that breaks. */
const MAX_TRANSFERS = 5;

/** An upload that is given up is taken back within this time, or not at all. */
const WITHDRAWAL_MS = 600_000;

const PIECE_SIZE = 65_536;

interface Transfer {
  http: Http;
  path: string;
  form: FormData;
  /** Tells how many bytes of the form are sent. */
  onProgress: (sent: number) => void;
  /** Of the session that has begun the upload. */
  authorization: string;
  signal: AbortSignal;
}

/**
 * Sends the message of a file, and then its bytes. The message is repeated until the server has it or refuses it, the bytes a few
 * times. If the upload fails or is given up, the message is deleted, because nobody could download its file. `session` ends with
 * the session.
 */
export async function upload(
  http: Http,
  retry: Signal,
  session: AbortSignal,
  chat: string,
  file: File,
  { type, caption, onProgress = () => {}, signal: stop }: UploadOptions,
): Promise<Uploaded> {
  const authorization = http.token ?? '';
  const signal = stop ? AbortSignal.any([session, stop]) : session;
  const isImage = type ? type === 'image' : IMAGE_TYPES.includes(file.type);
  const body = isImage
    ? { type: 'image' as const, ...(caption && { message: caption }) }
    : { type: 'file' as const, filename: file.name };
  const headers = { authorization };
  const header = { 'Idempotency-Key': randomKey() };
  const send = async (until: AbortSignal) => {
    const init = { params: { path: { chat }, header }, body, headers, signal: until };
    const post = () => http.api.POST('/api/chats/{chat}/messages', init);
    const { data } = await repeat(post, retry, until);
    return data.data;
  };
  const withdraw = async () => {
    const until = AbortSignal.timeout(WITHDRAWAL_MS);
    // The key makes this the same message, if the server has it already.
    const { index: message } = await send(until);
    const init = { params: { path: { chat, message } }, headers, signal: until };
    await repeat(() => http.api.DELETE('/api/chats/{chat}/messages/{message}', init), retry, until);
  };
  let isRepeat = false;
  try {
    const { index, timestamp, uuid = '' } = await send(signal);
    const form = new FormData();
    form.append('file', file, file.name);
    const path = `/api/files/${uuid}`;
    const transfer = {
      http,
      path,
      form,
      onProgress: progressOf(file.size, onProgress),
      authorization,
      signal,
    };
    await repeat(
      async () => {
        const isFirst = !isRepeat;
        isRepeat = true;
        try {
          await (typeof XMLHttpRequest === 'undefined' ? transferByFetch(transfer) : transferByXhr(transfer));
        } catch (error) {
          // The answer to an earlier try was lost.
          if (isFirst || !(error instanceof ParleyError && error.code === 'link_used')) throw error;
        }
      },
      retry,
      signal,
      MAX_TRANSFERS,
    );
    return { index, timestamp, uuid };
  } catch (error) {
    withdraw().catch(() => {});
    throw error;
  }
}

/** The form is a little longer than the file. */
function progressOf(total: number, onProgress: (progress: Progress) => void): (sent: number) => void {
  let told = -1;
  return (sent) => {
    const loaded = Math.min(sent, total);
    if (loaded !== told) onProgress({ loaded, total });
    told = loaded;
  };
}

/** Browsers tell only an XMLHttpRequest how much they have sent. */
function transferByXhr({ http, path, form, onProgress, authorization, signal }: Transfer): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener('abort', abort, { once: true });
    request.upload.addEventListener('progress', ({ loaded }) => onProgress(loaded));
    request.addEventListener('load', () => {
      const { status, responseText } = request;
      if (status === 200) return resolve();
      const error = errorOfAnswer(status, responseText, request.getResponseHeader('retry-after'));
      if (isUnauthorized(error)) http.reportUnauthorized(authorization, error);
      reject(error);
    });
    request.addEventListener('error', () => reject(unreachable('upload')));
    request.addEventListener('abort', () => reject(signal.reason as Error));
    request.addEventListener('loadend', () => signal.removeEventListener('abort', abort));
    request.open('POST', http.url + path);
    request.setRequestHeader('authorization', authorization);
    request.send(form);
  });
}

async function transferByFetch({
  http,
  path,
  form,
  onProgress,
  authorization,
  signal,
}: Transfer): Promise<void> {
  const encoded = new Response(form);
  const init = {
    method: 'POST',
    headers: { authorization, 'content-type': encoded.headers.get('content-type') ?? '' },
    body: encoded.body && inPieces(encoded.body, onProgress),
    signal,
    // Node.js needs this for a stream.
    duplex: 'half',
  };
  const answer = await http.fetch(path, init);
  await catchNetworkErrors(answer.text(), signal);
}

/** Cuts a body into pieces, because a file may come as one, and tells how much of it was taken. */
function inPieces(body: ReadableStream<Uint8Array>, onTaken: (bytes: number) => void) {
  const reader = body.getReader();
  let rest = new Uint8Array();
  let taken = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (taken > 0) onTaken(taken);
      while (rest.length === 0) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        rest = value as Uint8Array<ArrayBuffer>;
      }
      controller.enqueue(rest.subarray(0, PIECE_SIZE));
      taken += Math.min(rest.length, PIECE_SIZE);
      rest = rest.subarray(PIECE_SIZE);
    },
  });
}

/** Resolves with the answer as soon as it begins. */
export function download(http: Http, file: string, signal?: AbortSignal): Promise<Response> {
  return http.fetch(`/api/files/${encodeURIComponent(file)}`, signal ? { signal } : {});
}
