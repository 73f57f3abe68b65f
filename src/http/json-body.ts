import type { FastifyInstance } from 'fastify';
import { parse } from 'secure-json-parse';
import { malformedRequest } from './error-response.js';

declare module 'fastify' {
  interface FastifyRequest {
    contentType?: string;
  }
}

/** A body that is not parsed before a handler binds it, because the contract checks token and path first. */
export class RawBody {
  constructor(
    private readonly contentType: string | undefined,
    /** `null` for a multipart form, which is never JSON and is not read here. */
    private readonly bytes: Buffer | null,
  ) {}

  /** @throws ParleyError (malformed_request) unless the body is a JSON object in UTF-8, declared as JSON. */
  parse(): Record<string, unknown> {
    if (this.bytes?.length === 0) return {};
    if (!this.bytes || !/^application\/json\s*(;|$)/i.test(this.contentType?.trim() ?? '')) {
      throw malformedRequest("header 'Content-Type' must be 'application/json'");
    }
    const value = parseJson(decodeUtf8(this.bytes));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw malformedRequest('request body must be a JSON object');
    }
    if (!isShallow(value, MAX_DEPTH))
      throw malformedRequest(`request body must have at most ${MAX_DEPTH} levels`);
    return value as Record<string, unknown>;
  }
}

const MAX_DEPTH = 32;

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((item) => isShallow(item, levels - 1));
}

export function deferBodyParsing(fastify: FastifyInstance): void {
  fastify.decorateRequest('contentType');
  fastify.addHook('onRequest', (request, _reply, done) => {
    // Fastify would reject a malformed type before the token is checked, and even without a body.
    request.contentType = request.headers['content-type'];
    if (!/^multipart\/form-data\s*(;|$)/i.test(request.contentType ?? '')) {
      delete request.headers['content-type'];
    }
    done();
  });
  fastify.addHook('preHandler', (request, _reply, done) => {
    if (request.isMultipart()) request.body = new RawBody(request.contentType, null);
    done();
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (request, bytes, done) => {
    done(null, new RawBody(request.contentType, bytes as Buffer));
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decodeUtf8(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformedRequest('request body must be UTF-8');
  }
}

function parseJson(text: string): unknown {
  try {
    return parse(text, null, { protoAction: 'remove', constructorAction: 'remove' });
  } catch {
    throw malformedRequest('request body must be valid JSON');
  }
}
