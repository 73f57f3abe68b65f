import { z } from 'zod';
import { malformedRequest } from '../http/error-response.js';
import { VISIBLE_ASCII } from '../idempotency/idempotency-key.param.js';

const id = z.string().regex(new RegExp(VISIBLE_ASCII));

/** What a client may send over a WebSocket. Values are checked as those of the REST calls. */
export const frameSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), token: z.string().optional(), since: z.string().optional() }),
  z.object({ type: z.literal('send'), id, chat: z.string(), message: z.string() }),
  z.object({ type: z.literal('read'), id, chat: z.string(), index: z.number() }),
  z.object({ type: z.literal('typing'), chat: z.string() }),
  z.object({ type: z.literal('ping') }),
]);

export type Frame = z.output<typeof frameSchema>;
export type FrameOf<T extends Frame['type']> = Extract<Frame, { type: T }>;

/** @throws ParleyError (malformed_request). */
export function checkFrame(value: unknown): Frame {
  const { data: frame } = frameSchema.safeParse(value);
  if (!frame) throw malformedRequest('the frame must be one that the protocol names, in JSON');
  return frame;
}

/** Returns undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the id of a malformed frame if it has one, so that the client knows which frame was refused. */
export function findFrameId(value: unknown): string | undefined {
  const { data } = z.object({ id }).safeParse(value);
  return data?.id;
}
