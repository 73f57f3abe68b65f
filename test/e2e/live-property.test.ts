import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apply, type World } from '../support/chat-model.js';
import { choice, Sequence, USERS } from '../support/chat-sequence.js';
import { TRANSPORTS } from '../support/live.js';
import { Mirror } from '../support/mirror.js';
import { expectSuccess } from '../support/parley.js';
import { startServer, type TestServer } from '../support/server.js';

/** Over each transport. */
const SEQUENCES = 25;
const MAX_STEPS = 12;

/** Set SEED to perform other sequences; a failure prints it. */
const SEED = Number(process.env.SEED ?? 1);

/** The mirrors' users. They act and are erased as all others are. */
const FOLLOWED = USERS.slice(0, 2);

/** What a mirror does while the operations of a step are under way. */
const move = fc.record({
  type: fc.constantFrom('follow', 'follow', 'follow', 'break', 'break later', 'resume'),
  events: fc.nat({ max: 4 }),
});

type Move = typeof move extends fc.Arbitrary<infer Value> ? Value : never;

const step = fc.record({
  operations: fc.array(choice, { minLength: 1, maxLength: 4 }),
  moves: fc.tuple(move, move),
});

async function perform(mirror: Mirror, { type, events }: Move): Promise<void> {
  if (type === 'break') return mirror.disconnect();
  if (type === 'resume') await mirror.disconnect();
  await mirror.connect();
  // In the middle of a replay, if it has just connected.
  await mirror.catchUp(type === 'break later' ? events : Infinity);
  if (type === 'break later') await mirror.disconnect();
}

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.close());

test.each(TRANSPORTS)(
  'clients that come and go over %s know what happened at random',
  async (transport, follow) => {
    const property = fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: MAX_STEPS, size: 'max' }),
      async (steps) => {
        const sequence = await Sequence.begin(server.parley);
        const mirrors = FOLLOWED.map(
          (user) => new Mirror(sequence.member(user), follow, transport !== 'polls'),
        );
        /** Tells the names of rooms, as if the operations of a step happened in their order. */
        let world: World = { erased: [], chats: {} };
        for (const [n, { operations: choices, moves }] of steps.entries()) {
          const operations = choices.map((chosen, place) =>
            sequence.resolve(chosen, `#${n}.${place}`, world),
          );
          const moving = mirrors.map((mirror, place) => perform(mirror, moves[place]));
          await Promise.all([...operations.map((operation) => sequence.perform(operation)), ...moving]);
          for (const operation of operations) world = apply(world, operation).world;
        }
        for (const mirror of mirrors) await mirror.expectEqual();
        for (const mirror of mirrors) await mirror.disconnect();
      },
    );
    await fc.assert(property, { numRuns: SEQUENCES, seed: SEED, endOnFailure: true });
  },
  300_000,
);

// No name is left for `member.removed`.
test('a client that was away learns of a member who left and was deleted later', async () => {
  const [alex, sam, cy] = await Promise.all(['alex', 'sam', 'cy'].map((name) => server.parley.signUp(name)));
  const chat = await alex.createChat([sam, cy]);
  const { id } = expectSuccess(await sam.get('/api/events')).data;
  expectSuccess(await cy.put(`/api/chats/${chat}`, { mode: 'delete', user: 'cy' }));
  expectSuccess(await cy.delete('/api/users/cy'));
  const { events, recovered } = expectSuccess(await sam.get(`/api/events?since=${id}`)).data;
  expect(recovered).toBe(true);
  expect(events).toEqual([expect.objectContaining({ chat, type: 'chat.limited' })]);
});
