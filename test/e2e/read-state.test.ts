import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ChatsService } from '#src/chats/chats.service.js';
import { Reader, Transaction } from '#src/database/unit-of-work.js';
import { Membership } from '#src/membership/membership.service.js';
import { expectFailure } from '../support/failure.js';
import { expectSuccess, type Json, type Member } from '../support/parley.js';
import { createRoom, join } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
let alex: Member;
let sam: Member;
let kim: Member;

beforeAll(async () => {
  server = await startServer();
  [alex, sam, kim] = await Promise.all(['alex', 'sam', 'kim'].map((name) => server.parley.signUp(name)));
});

afterAll(() => server.close());

const mark = (member: Member, chat: string, index: unknown) =>
  member.put(`/api/chats/${chat}/read`, { index });

/** Returns `read` and `unread` of the chat, which its list, its page and its description tell alike. */
async function stateOf(member: Member, chat: string): Promise<[number | null, number]> {
  const lists = ['/api/chats', '/api/chats?limit=200'].map(async (path) =>
    expectSuccess(await member.get(path)).data.find(({ uuid }: Json) => uuid === chat),
  );
  const [one, ...others] = await Promise.all([member.describeChat(chat), ...lists]);
  for (const { read, unread } of others) expect([read, unread]).toEqual([one.read, one.unread]);
  return [one.read, one.unread];
}

async function accessOf({ username }: Member, chat: string) {
  const sql = 'SELECT id FROM users WHERE username = ?';
  const [{ id }] = await server.app.get(Reader).query<{ id: number }>(sql, [username]);
  return server.app.get(Membership).requireMember({ userId: id, username, tokenId: '', expiresAt: 0 }, chat);
}

async function sendMany(member: Member, chat: string, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await member.send(chat, `message ${n}`);
}

describe('the marker of what a member has read', () => {
  test('is at the first message for the creator of a chat, and nowhere for the others', async () => {
    const chat = await alex.createChat([sam]);
    expect(await stateOf(alex, chat)).toEqual([0, 0]);
    expect(await stateOf(sam, chat)).toEqual([null, 1]);
  });

  test('moves to the own message when it is sent, and not to those of others', async () => {
    const chat = await alex.createChat([sam]);
    await sam.send(chat, 'one');
    await alex.send(chat, 'two');
    expect(await stateOf(sam, chat)).toEqual([1, 1]);
    expect(await stateOf(alex, chat)).toEqual([2, 0]);
  });

  test('moves to each of many messages that members send at the same time', async () => {
    const chat = await alex.createChat([sam, kim]);
    const indexes = await Promise.all(
      [alex, sam, kim].map(async (member) =>
        Math.max(...(await Promise.all(Array.from({ length: 20 }, () => member.send(chat, 'at once'))))),
      ),
    );
    for (const [n, member] of [alex, sam, kim].entries()) {
      expect(await stateOf(member, chat)).toEqual([indexes[n], 60 - indexes[n]]);
    }
  });

  test('is set by PUT, and never moves back', async () => {
    const chat = await alex.createChat([sam]);
    await sendMany(alex, chat, 4);
    expect(expectSuccess(await mark(sam, chat, 2)).data).toEqual({ index: 2, unread: 2 });
    expect(expectSuccess(await mark(sam, chat, 1)).data).toEqual({ index: 2, unread: 2 });
    expect(await stateOf(sam, chat)).toEqual([2, 2]);
    expect(await stateOf(alex, chat)).toEqual([4, 0]);
  });

  test('ends at the largest of indexes that are set at the same time', async () => {
    const chat = await alex.createChat([sam]);
    await sendMany(alex, chat, 20);
    await Promise.all(Array.from({ length: 21 }, (_, index) => mark(sam, chat, index)));
    expect(await stateOf(sam, chat)).toEqual([20, 0]);
  });

  test('is written by one transaction for many members, and by none when it does not move', async () => {
    const chat = await alex.createChat([sam, kim]);
    await sendMany(alex, chat, 3);
    const membership = server.app.get(Membership);
    const accesses = await Promise.all([sam, kim, sam, kim].map((member) => accessOf(member, chat)));
    const defer = vi.spyOn(Transaction.prototype, 'defer');
    await Promise.all(accesses.map((access, n) => membership.markRead(access, n)));
    expect(new Set(defer.mock.contexts).size).toBe(1);
    expect(await stateOf(sam, chat)).toEqual([2, 1]);
    expect(await stateOf(kim, chat)).toEqual([3, 0]);

    defer.mockClear();
    for (const index of [0, 2]) expectSuccess(await mark(sam, chat, index));
    expect(defer).not.toHaveBeenCalled();
    defer.mockRestore();
  });

  test('cannot be set where the membership or the chat ends meanwhile', async () => {
    const chat = await alex.createChat([sam, kim]);
    const chats = server.app.get(ChatsService);
    const [ofSam, ofKim] = await Promise.all([sam, kim].map((member) => accessOf(member, chat)));
    expectSuccess(await sam.put(`/api/chats/${chat}`, { mode: 'delete', user: 'sam' }));
    await expect(chats.markRead(ofSam, { index: 0 })).rejects.toMatchObject({ code: 'not_a_member' });
    expectSuccess(await alex.delete(`/api/chats/${chat}`));
    await expect(chats.markRead(ofKim, { index: 0 })).rejects.toMatchObject({ code: 'chat_not_found' });
  });

  test.each([1, 5, 9_007_199_254_740_991])('cannot be set to %i, which was never sent', async (index) => {
    const chat = await alex.createChat([]);
    const answer = await mark(alex, chat, index);
    expect(expectFailure(answer, 400)).toBe("field 'index' must be the index of a message that was sent");
    expect(answer.body).toMatchObject({ code: 'invalid_field', field: 'index' });
  });

  test.each([-1, 0.5, '0', null, undefined, 1e300])('cannot be set to %j', async (index) => {
    const chat = await alex.createChat([]);
    expect(expectFailure(await mark(alex, chat, index), 400)).toMatch(/^field 'index' must be /);
  });

  test('is after everything for a user who is added, and for one who joins a room', async () => {
    const chat = await alex.createChat([]);
    await sendMany(alex, chat, 3);
    expectSuccess(await alex.put(`/api/chats/${chat}`, { mode: 'add', user: 'sam' }));
    expect(await stateOf(sam, chat)).toEqual([3, 0]);

    const room = await createRoom(alex, 'A room to read');
    await alex.send(room.chat, 'hello');
    await join(sam, room);
    expect(await stateOf(sam, room.chat)).toEqual([0, 0]);
    await alex.send(room.chat, 'unread');
    await join(sam, room);
    expect(await stateOf(sam, room.chat)).toEqual([0, 1]);
  });

  test('is nowhere in an empty room', async () => {
    const room = await createRoom(alex, 'An empty room');
    expect(await stateOf(alex, room.chat)).toEqual([null, 0]);
  });
});

describe('the number of unread messages', () => {
  test('is exact to 99, and 100 stands for more', async () => {
    const chat = await alex.createChat([sam]);
    await sendMany(alex, chat, 98);
    expect(await stateOf(sam, chat)).toEqual([null, 99]);
    await sendMany(alex, chat, 1);
    expect(await stateOf(sam, chat)).toEqual([null, 100]);
    await sendMany(alex, chat, 1);
    expect(await stateOf(sam, chat)).toEqual([null, 100]);
  });

  test('counts no deleted message', async () => {
    const chat = await alex.createChat([sam]);
    await sendMany(alex, chat, 4);
    for (const index of [0, 2, 4]) expectSuccess(await alex.delete(`/api/chats/${chat}/messages/${index}`));
    expect(await stateOf(sam, chat)).toEqual([null, 2]);
    expect(expectSuccess(await mark(sam, chat, 2)).data).toEqual({ index: 2, unread: 1 });
    expect(expectSuccess(await mark(sam, chat, 4)).data).toEqual({ index: 4, unread: 0 });
  });

  test('counts no message of an erased user, from the moment of the erasure', async () => {
    const gone = await server.parley.signUp('gone');
    const chat = await alex.createChat([sam, gone]);
    await sendMany(gone, chat, 3);
    await sendMany(alex, chat, 2);
    expectSuccess(await gone.delete('/api/users/gone'));
    expect(await stateOf(sam, chat)).toEqual([null, 3]);
  });
});

test('a chat tells its owner and its room', async () => {
  const chat = await alex.createChat([sam]);
  expect(await sam.describeChat(chat)).toMatchObject({ owner: 'alex', room_id: null });
  expectSuccess(await alex.put(`/api/chats/${chat}`, { mode: 'delete', user: 'alex' }));
  expect(await sam.describeChat(chat)).toMatchObject({ owner: 'sam' });
  const room = await createRoom(sam, 'A room with an owner');
  expect(await sam.describeChat(room.chat)).toMatchObject({ owner: 'sam', room_id: room.id });
});
