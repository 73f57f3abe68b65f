import { z } from 'zod';
import type { TopicPayloads, Topic } from '../database/topics.js';

const id = z.int().nonnegative();

/** Topics that other instances get: ids of chats and users, but no texts. */
const topics = {
  chatsChangedElsewhere: z.array(id),
  chatsRead: z.array(z.object({ chatId: id, userId: id, readAt: id })),
  typed: z.object({ chatId: id, userId: id, username: z.string() }),
  tokensRevoked: z.object({ userId: id, tokenId: z.string().optional() }),
} satisfies { [T in Topic]?: z.ZodType<TopicPayloads[T]> };

type RelayedTopic = keyof typeof topics;

/** Raised when the shape of a message changes, so that instances of two releases ignore each other's messages. */
const VERSION = 1;

const envelope = z.object({
  version: z.literal(VERSION),
  from: z.string(),
  topic: z.string(),
  payload: z.unknown(),
});

/** Returns undefined for a topic that stays in the process. `from` is the id of the instance. */
export function encodeEnvelope<T extends Topic>(
  from: string,
  topic: T,
  payload: TopicPayloads[T],
): string | undefined {
  // Ids alone, because each instance reads the histories itself.
  if (topic === 'chatsChanged') {
    const chatIds = (payload as TopicPayloads['chatsChanged']).map(({ chatId }) => chatId);
    return encodeEnvelope(from, 'chatsChangedElsewhere', [...new Set(chatIds)]);
  }
  if (!Object.hasOwn(topics, topic)) return undefined;
  return JSON.stringify({ version: VERSION, from, topic, payload } satisfies z.input<typeof envelope>);
}

export type Envelope = { [T in RelayedTopic]: { topic: T; payload: TopicPayloads[T] } }[RelayedTopic];

/** Returns undefined for a message of the instance itself, of another version, or malformed. */
export function decodeEnvelope(text: string, self: string): Envelope | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { data: found } = envelope.safeParse(json);
  if (!found || found.from === self || !Object.hasOwn(topics, found.topic)) return undefined;
  const topic = found.topic as RelayedTopic;
  const { success, data: payload } = topics[topic].safeParse(found.payload);
  return success ? ({ topic, payload } as Envelope) : undefined;
}
