import { z } from 'zod';
import type { News, Topic } from '../database/topics.js';

const id = z.int().nonnegative();

/** What other instances are told: who and where, but no texts. */
const topics = {
  chatsChangedElsewhere: z.array(id),
  chatsRead: z.array(z.object({ chatId: id, userId: id, readAt: id })),
  typed: z.object({ chatId: id, userId: id, username: z.string() }),
  tokensRevoked: z.object({ userId: id, tokenId: z.string().optional() }),
} satisfies { [T in Topic]?: z.ZodType<News[T]> };

type RelayedTopic = keyof typeof topics;

/** Raised when the shape of a message changes, so that instances of two releases ignore each other's messages. */
const VERSION = 1;

const envelope = z.object({
  version: z.literal(VERSION),
  from: z.string(),
  topic: z.string(),
  news: z.unknown(),
});

/** Returns undefined for news that stays in the process. `from` names the instance. */
export function encodeMessage<T extends Topic>(from: string, topic: T, news: News[T]): string | undefined {
  // Ids alone, because each instance reads the histories itself.
  if (topic === 'chatsChanged') {
    const chatIds = (news as News['chatsChanged']).map(({ chatId }) => chatId);
    return encodeMessage(from, 'chatsChangedElsewhere', [...new Set(chatIds)]);
  }
  if (!Object.hasOwn(topics, topic)) return undefined;
  return JSON.stringify({ version: VERSION, from, topic, news } satisfies z.input<typeof envelope>);
}

export type Message = { [T in RelayedTopic]: { topic: T; news: News[T] } }[RelayedTopic];

/** Returns undefined for a message of the instance itself, of another version, or malformed. */
export function decodeMessage(text: string, self: string): Message | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { data: message } = envelope.safeParse(json);
  if (!message || message.from === self || !Object.hasOwn(topics, message.topic)) return undefined;
  const topic = message.topic as RelayedTopic;
  const { success, data: news } = topics[topic].safeParse(message.news);
  return success ? ({ topic, news } as Message) : undefined;
}
