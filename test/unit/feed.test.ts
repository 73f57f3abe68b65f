import { expect, test } from 'vitest';
import type { ChatRange } from '#src/changes/change-log.js';
import { Topics } from '#src/database/topics.js';
import { now, SECOND_US } from '#src/helpers/clock.js';
import { Feed } from '#src/live/feed.js';
import { until } from '../support/until.js';

type Dependencies = ConstructorParameters<typeof Feed>;

test('no message is skipped if a poll deletes the position of its chat during a look-up', async () => {
  const topics = new Topics();
  const jobs = new Map<string, () => Promise<void>>();
  const passedOn: ChatRange[] = [];
  const history = {
    findRecentChats: async () => [],
    findRecentMarks: async () => [],
    syncWithCluster: async () => {},
    findEnds: async (chatIds: number[]) =>
      chatIds.map((chatId) => ({ chatId, at: now(), seq: 6, lastChangeAt: 0, isDeleted: false })),
    findMessageKeys: async () => {
      await jobs.get('poll for changed chats')?.();
      return [];
    },
  };
  const fanOut = {
    hasFollowers: true,
    addRanges: (ranges: ChatRange[]) => passedOn.push(...ranges),
    addReads: () => {},
  };
  const feed = new Feed(
    { topics } as unknown as Dependencies[0],
    { add: ({ name, run }: { name: string; run: () => Promise<void> }) => jobs.set(name, run) } as never,
    history as unknown as Dependencies[2],
    {} as Dependencies[3],
    fanOut as unknown as Dependencies[4],
  );
  feed.onModuleInit();
  await feed.open();
  const [known, unknown] = [1, 2];
  const at = now() - 31 * SECOND_US;
  const range = { from: { at: at - 1, seq: 4 }, to: { at, seq: 5 } };
  topics.publish('chatsChanged', [
    { chatId: known, ...range, hasChanges: false, affected: [], isDeleted: false },
  ]);
  topics.publish('chatsChangedElsewhere', [known, unknown]);
  await until('both chats', () => passedOn.length === 3 || undefined);
  expect(passedOn[1]).toMatchObject({ chatId: known, from: { seq: 5 }, to: { seq: 6 } });
});
