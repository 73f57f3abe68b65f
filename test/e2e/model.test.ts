import * as fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apply, type ModelChat, type Operation, type World } from '../support/chat-model.js';
import { byText, choice, Sequence, USERS } from '../support/chat-sequence.js';
import { findViolations } from '../support/invariants.js';
import { startServer, type TestServer } from '../support/server.js';

const SEQUENCES = 200;
const MAX_OPERATIONS = 30;

/** Set SEED to perform other sequences; a failure prints it. */
const SEED = Number(process.env.SEED ?? 1);

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  expect(await findViolations(server)).toEqual({});
  await server.close();
});

/** Returns what all users would see in a world. `ids` are those of all chats that ever were. */
function viewOf({ erased, chats }: World, ids: string[]) {
  const all = Object.entries(chats);
  const viewChat = (user: string, chat: ModelChat | undefined) => {
    if (!chat) return ['chat_not_found', 'chat_not_found'];
    if (!chat.members.includes(user)) return ['not_a_member', 'not_a_member'];
    const messages = chat.messages.map(({ index, sender, text, isEdited, file }) => [
      index,
      sender,
      text,
      isEdited,
      file ? file === 'used' : null,
    ]);
    const readNext = chat.readNext[user];
    const read = readNext === 0 ? null : readNext - 1;
    const unread = chat.messages.filter(({ index }) => index >= readNext).length;
    return { name: chat.name, users: chat.members, owner: chat.owner, read, unread, messages };
  };
  const viewAs = (user: string) => {
    if (erased.includes(user)) return 'token_invalid';
    const own = all.filter(([, { members }]) => members.includes(user));
    return {
      list: own.map(([id, { messages }]) => [id, messages.at(-1)?.index]).toSorted(byText),
      rooms: all
        .filter(([, { room }]) => room === 'public')
        .map(([, { name, members }]) => [name, members.includes(user)])
        .toSorted(byText),
      ownRooms: own
        .filter(([, { room }]) => room)
        .map(([id, { room }]) => [id, room === 'private' ? 1 : 0])
        .toSorted(byText),
      chats: Object.fromEntries(ids.map((id) => [id, viewChat(user, chats[id])])),
    };
  };
  return Object.fromEntries(USERS.map((user) => [user, viewAs(user)]));
}

function ordersOf<T>(items: T[]): T[][] {
  if (items.length <= 1) return [items];
  return items.flatMap((item, n) => ordersOf(items.toSpliced(n, 1)).map((rest) => [item, ...rest]));
}

interface Call {
  operation: Operation;
  outcome: string;
}

/** Returns the worlds to which the calls lead in any order that explains their outcomes. */
function worldsAfter(worlds: World[], calls: Call[]): World[] {
  // Several checks of one call may see different states of the server, so the code of a refusal is not that of one order.
  const isSame = (a: string, b: string) =>
    a === b || (calls.length > 1 && !a.startsWith('ok') && !b.startsWith('ok'));
  const after: World[] = [];
  for (const before of worlds) {
    for (const order of ordersOf(calls)) {
      let world = before;
      const isExplained = order.every(({ operation, outcome }) => {
        const result = apply(world, operation);
        world = result.world;
        return isSame(result.outcome, outcome);
      });
      if (isExplained && !after.some((known) => isDeepStrictEqual(known, world))) after.push(world);
    }
  }
  return after;
}

test.each([1, 3])(
  'random operations, %i at a time, have the results of the model',
  async (atOnce) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(choice, { minLength: 1, maxLength: MAX_OPERATIONS, size: 'max' }),
        async (choices) => {
          const sequence = await Sequence.begin(server.parley);
          let worlds: World[] = [{ erased: [], chats: {} }];
          for (let n = 0; n < choices.length; n += atOnce) {
            const operations = choices
              .slice(n, n + atOnce)
              .map((chosen, place) => sequence.resolve(chosen, `#${n + place}`, worlds[0]));
            const calls = await Promise.all(
              operations.map(async (operation) => ({
                operation,
                outcome: await sequence.perform(operation),
              })),
            );
            const expected = apply(worlds[0], operations[0]).outcome;
            worlds = worldsAfter(worlds, calls);
            expect(worlds, `${JSON.stringify(calls)}, not ${expected}`).not.toEqual([]);
          }
          const views = worlds.map((world) => viewOf(world, sequence.chatIds));
          const view = await sequence.view();
          expect(view).toEqual(views.find((possible) => isDeepStrictEqual(possible, view)) ?? views[0]);
        },
      ),
      { numRuns: SEQUENCES, seed: SEED },
    );
  },
  300_000,
);
