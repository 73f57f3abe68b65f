import { Logger } from '@nestjs/common';
import { beforeEach, expect, test } from 'vitest';
import { DatabaseUnavailable } from '#src/database/driver-errors.js';
import { Topics } from '#src/database/topics.js';
import { FanOut, type Follower } from '#src/live/fan-out.js';
import { until } from '../support/until.js';

type Dependencies = ConstructorParameters<typeof FanOut>;

beforeEach(() => Logger.overrideLogger(false));

const followerOf = (userId: number): Follower => ({
  caller: { userId, username: `user${userId}`, tokenId: '', expiresAt: 0 },
  push: () => true,
  flush: () => {},
  end: () => {},
});

const rangeOf = (chatId: number) => ({
  chatId,
  from: { at: 1, seq: 0 },
  to: { at: 2, seq: 1 },
  hasChanges: false,
  affected: [],
  isDeleted: false,
});

test('a range that waits for the database is dropped with the last follower', async () => {
  let fail!: (error: Error) => void;
  const answers = [new Promise<void>((_resolve, reject) => (fail = reject))];
  const lookedUp: number[][] = [];
  const history = {
    syncWithCluster: () => answers.shift(),
    findUuids: async (chatIds: number[]) => {
      lookedUp.push(chatIds);
      return new Map();
    },
  };
  const fanOut = new FanOut(
    { topics: new Topics() } as unknown as Dependencies[0],
    history as unknown as Dependencies[1],
    { allMembersOf: async () => [] } as unknown as Dependencies[2],
    {} as Dependencies[3],
  );
  const [first, next] = [1, 2].map(followerOf);
  fanOut.add(first);
  fanOut.addRanges([rangeOf(1)]);
  fanOut.remove(first);
  fanOut.add(next);
  fanOut.addRanges([rangeOf(2)]);
  fail(new DatabaseUnavailable('away'));
  await until('the chat of the next range', () => lookedUp.length || undefined);
  expect(lookedUp).toEqual([[2]]);
});
