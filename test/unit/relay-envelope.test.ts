import { expect, test } from 'vitest';
import type { TopicPayloads, Topic } from '#src/database/topics.js';
import { decodeEnvelope, encodeEnvelope } from '#src/relay/envelope.js';

const range = {
  chatId: 1,
  from: { at: 1, seq: 1 },
  to: { at: 2, seq: 2 },
  hasChanges: false,
  affected: [3],
  isDeleted: false,
};

const message = { version: 1, from: 'other', topic: 'tokensRevoked', payload: { userId: 1, tokenId: 'a' } };

test.each([
  ['chatsChangedElsewhere', [1, 2]],
  ['chatsRead', [{ chatId: 1, userId: 2, readAt: 3 }]],
  ['typed', { chatId: 1, userId: 2, username: 'alex' }],
  ['tokensRevoked', { userId: 1, tokenId: 'a' }],
  ['tokensRevoked', { userId: 1, tokenId: undefined }],
] as [Topic, TopicPayloads[Topic]][])('a payload of %s arrives as it was sent', (topic, payload) => {
  expect(decodeEnvelope(encodeEnvelope('other', topic, payload) ?? '', 'self')).toEqual({ topic, payload });
});

test('ranges of histories arrive as the ids of their chats', () => {
  const text = encodeEnvelope('other', 'chatsChanged', [range, range, { ...range, chatId: 2 }]) ?? '';
  expect(decodeEnvelope(text, 'self')).toEqual({ topic: 'chatsChangedElsewhere', payload: [1, 2] });
});

test('a topic that stays in the process is not encoded', () => {
  expect(encodeEnvelope('other', 'databaseMoved', undefined)).toBeUndefined();
});

test('the fields of a later release are dropped', () => {
  const text = JSON.stringify({ ...message, more: 1, payload: { ...message.payload, more: 1 } });
  expect(decodeEnvelope(text, 'self')).toEqual({ topic: 'tokensRevoked', payload: message.payload });
});

test.each([
  ['of the instance itself', { ...message, from: 'self' }],
  ['of another version', { ...message, version: 2 }],
  ['of an unknown topic', { ...message, topic: 'toString' }],
  ['of a topic that stays in the process', { ...message, topic: 'databaseMoved' }],
  ['without payload', { ...message, payload: undefined }],
  ['with a number that is none', { ...message, payload: { userId: '1' } }],
  ['with a negative number', { ...message, payload: { userId: -1 } }],
  ['that is null', null],
])('a message %s is ignored', (_, value) => {
  expect(decodeEnvelope(JSON.stringify(value), 'self')).toBeUndefined();
});

test.each(['', 'junk', '{'])('what is no JSON is ignored: %j', (text) => {
  expect(decodeEnvelope(text, 'self')).toBeUndefined();
});
