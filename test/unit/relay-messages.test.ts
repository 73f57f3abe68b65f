import { expect, test } from 'vitest';
import type { News, Topic } from '#src/database/topics.js';
import { decodeMessage, encodeMessage } from '#src/relay/messages.js';

const stretch = {
  chatId: 1,
  from: { at: 1, seq: 1 },
  to: { at: 2, seq: 2 },
  hasChanges: false,
  affected: [3],
  isDeleted: false,
};

const message = { version: 1, from: 'other', topic: 'tokensRevoked', news: { userId: 1, tokenId: 'a' } };

test.each([
  ['chatsChangedElsewhere', [1, 2]],
  ['chatsRead', [{ chatId: 1, userId: 2, readAt: 3 }]],
  ['typed', { chatId: 1, userId: 2, username: 'alex' }],
  ['tokensRevoked', { userId: 1, tokenId: 'a' }],
  ['tokensRevoked', { userId: 1, tokenId: undefined }],
] as [Topic, News[Topic]][])('news of %s arrive as they were sent', (topic, news) => {
  expect(decodeMessage(encodeMessage('other', topic, news) ?? '', 'self')).toEqual({ topic, news });
});

test('stretches of histories arrive as the ids of their chats', () => {
  const text = encodeMessage('other', 'chatsChanged', [stretch, stretch, { ...stretch, chatId: 2 }]) ?? '';
  expect(decodeMessage(text, 'self')).toEqual({ topic: 'chatsChangedElsewhere', news: [1, 2] });
});

test('news that stays in the process is not encoded', () => {
  expect(encodeMessage('other', 'databaseMoved', undefined)).toBeUndefined();
});

test('the fields of a later release are dropped', () => {
  const text = JSON.stringify({ ...message, more: 1, news: { ...message.news, more: 1 } });
  expect(decodeMessage(text, 'self')).toEqual({ topic: 'tokensRevoked', news: message.news });
});

test.each([
  ['of the instance itself', { ...message, from: 'self' }],
  ['of another version', { ...message, version: 2 }],
  ['of an unknown topic', { ...message, topic: 'toString' }],
  ['of a topic that stays in the process', { ...message, topic: 'databaseMoved' }],
  ['without news', { ...message, news: undefined }],
  ['with a number that is none', { ...message, news: { userId: '1' } }],
  ['with a negative number', { ...message, news: { userId: -1 } }],
  ['that is null', null],
])('a message %s is ignored', (_, value) => {
  expect(decodeMessage(JSON.stringify(value), 'self')).toBeUndefined();
});

test.each(['', 'junk', '{'])('what is no JSON is ignored: %j', (text) => {
  expect(decodeMessage(text, 'self')).toBeUndefined();
});
