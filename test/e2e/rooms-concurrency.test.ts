import { afterAll, beforeAll, expect, test } from 'vitest';
import { Reader } from '#src/database/unit-of-work.js';
import type { Answer, Member } from '../support/parley.js';
import { removalsDone } from '../support/removals.js';
import { createRoom, join, leave, ownEntry, stateOf, type TestRoom } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { tally } from '../support/tally.js';

const ROUNDS = 8;

let server: TestServer;
let alex: Member;
let guests: Member[];

beforeAll(async () => {
  server = await startServer();
  alex = await server.parley.signUp('alex');
  guests = await Promise.all(Array.from({ length: 6 }, (_, index) => server.parley.signUp(`guest${index}`)));
});

afterAll(() => server.close());

const query = <Row>(sql: string, parameters: (string | number)[] = []) =>
  server.app.get(Reader).query<Row>(sql, parameters);

/** Asserts that each answer has one of the statuses. */
function expectStatusIn(answers: Answer[], ...statuses: number[]): void {
  for (const { status, body } of answers) expect(statuses, JSON.stringify(body)).toContain(status);
}

/** Asserts that a member owns the room, or that the room has neither members nor an owner. */
async function expectOneOwnerIffMembers(room: TestRoom): Promise<void> {
  const state = await stateOf(server, room);
  expect(state).toBeDefined();
  if (!state || state.members.length === 0) expect(state?.owner).toBeNull();
  else expect(state.members).toContain(state.owner);
}

test('joins that race with the last member leaving result in one owner', async () => {
  const room = await createRoom(alex, 'Revolving door');
  for (let round = 0; round < ROUNDS; round++) {
    const answers = await Promise.all([leave(alex, room), ...guests.map((guest) => join(guest, room))]);
    expectStatusIn(answers, 200);
    await expectOneOwnerIffMembers(room);
    const back = await Promise.all([join(alex, room), ...guests.map((guest) => leave(guest, room))]);
    expectStatusIn(back, 200);
    expect(await stateOf(server, room)).toEqual({ owner: 'alex', members: ['alex'] });
  }
});

test('after concurrent joins and leaves, the room has an owner if and only if it has members', async () => {
  const room = await createRoom(alex, 'Turnstile');
  for (let round = 0; round < ROUNDS; round++) {
    const answers = await Promise.all(
      guests.flatMap((guest) => [
        join(guest, room),
        leave(guest, room),
        join(guest, room),
        leave(guest, room),
      ]),
    );
    expectStatusIn(answers, 200, 403);
    await expectOneOwnerIffMembers(room);
  }
});

test('of two concurrent leaves by one member, exactly one succeeds', async () => {
  const room = await createRoom(alex, 'Double exit');
  for (let round = 0; round < ROUNDS; round++) {
    await join(guests[0], room);
    const answers = await Promise.all([leave(guests[0], room), leave(guests[0], room)]);
    expect(tally(answers)).toEqual({ 200: 1, 403: 1 });
    expect(answers.find(({ status }) => status === 403)?.body).toMatchObject({
      error: 'you are not in this room',
    });
  }
});

test("joins, sends and leaves that race with the chat's deletion either find the room or return 404", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const room = await createRoom(alex, `Demolition ${round}`, round % 2 ? 'secret' : undefined);
    const [first, second, ...others] = guests;
    await join(first, room, 'secret');
    await join(second, room, 'secret');
    const [deletion, left, sent, ...joined] = await Promise.all([
      alex.delete(`/api/chats/${room.chat}`),
      leave(first, room),
      second.post('/api/send_room_message', { room_id: room.id, message: 'still here' }),
      ...others.map((guest, index) => join(guest, room, index % 2 ? 'secret' : 'wrong')),
    ]);
    expect(deletion.status).toBe(200);
    expectStatusIn([left, sent], 200, 404);
    expectStatusIn(joined, 200, 403, 404);
    for (const { body } of [left, sent, ...joined]) {
      if ('error' in body) expect(['room not found', 'wrong password']).toContain(body.error);
    }
    expect(await stateOf(server, room)).toBeUndefined();
  }
  await removalsDone(server);
  const orphans = await query(
    `SELECT chat_id FROM members WHERE chat_id NOT IN (SELECT id FROM chats)
       AND chat_id NOT IN (SELECT chat_id FROM deleted_chats)`,
  );
  expect(orphans).toEqual([]);
});

test('joins that race with the erasure of the user cause no errors and leave no rows of the user', async () => {
  const open = await Promise.all(['One', 'Two', 'Three'].map((name) => createRoom(alex, `Erasure ${name}`)));
  const secret = await createRoom(alex, 'Erasure, private', 'secret');
  const deserted = await createRoom(alex, 'Erasure, deserted');
  await leave(alex, deserted);
  const rooms = [...open, secret, deserted];
  for (let round = 0; round < ROUNDS; round++) {
    const name = `fleeting${round}`;
    const user = await server.parley.signUp(name);
    const [erased, ...others] = await Promise.all([
      user.delete(`/api/users/${name}`),
      ...rooms.map((room) => join(user, room, 'secret')),
      ...rooms.map((room) => join(user, room, 'secret')),
      user.post('/api/create_room', { room_name: `Founded by ${name}` }),
    ]);
    expect(erased.status).toBe(200);
    expectStatusIn(others, 200, 201, 401);
    for (const { status, body } of others)
      if (status === 401) expect(body).toMatchObject({ error: 'unauthorized' });
    for (const room of rooms) await expectOneOwnerIffMembers(room);
  }
  expect(await query("SELECT id FROM users WHERE username LIKE 'fleeting%'")).toEqual([]);
  await removalsDone(server);
  const strays = await query('SELECT chat_id FROM members WHERE user_id NOT IN (SELECT id FROM users)');
  expect(strays).toEqual([]);
  expect(await stateOf(server, deserted)).toEqual({ owner: null, members: [] });
});

test("erasing a room's owner while others join and leave passes on the ownership", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const owner = await server.parley.signUp(`owner${round}`);
    const room = await createRoom(owner, `Succession ${round}`);
    const answers = await Promise.all([
      owner.delete(`/api/users/${owner.username}`),
      ...guests.map((guest) => join(guest, room)),
      ...guests.slice(0, 3).map((guest) => leave(guest, room)),
    ]);
    expectStatusIn(answers, 200, 403);
    await expectOneOwnerIffMembers(room);
  }
});

test('of concurrent creations and renames to one name, exactly one succeeds', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const rooms = await Promise.all([0, 1].map((index) => createRoom(alex, `Before ${round} ${index}`)));
    const name = `Contested ${round}`;
    const answers = await Promise.all([
      ...rooms.map(({ chat }) => alex.put(`/api/chats/${chat}`, { name })),
      ...guests.map((guest) => guest.post('/api/create_room', { room_name: name })),
    ]);
    expectStatusIn(answers, 200, 201, 400);
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    expect(await query('SELECT id FROM rooms WHERE name = ?', [name])).toHaveLength(1);
    expect(await query('SELECT id FROM chats WHERE name = ?', [name])).toHaveLength(1);
  }
});

test('joining again adds no rows and only updates joined_at', async () => {
  const [guest] = guests;
  const room = await createRoom(alex, 'Visited often', 'secret');
  await join(guest, room, 'secret');
  const rows = () => query<{ members: number }>('SELECT COUNT(*) AS members FROM members');
  const before = await rows();
  const { joined_at } = await ownEntry(guest, room);
  for (let time = 0; time < 3; time++) {
    const answers = await Promise.all(Array.from({ length: 15 }, () => join(guest, room, 'secret')));
    expect(tally(answers)).toEqual({ 200: 15 });
  }
  expect(await rows()).toEqual(before);
  expect((await ownEntry(guest, room)).joined_at).toBeGreaterThan(joined_at);
});
