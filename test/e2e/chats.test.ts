import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Reader } from '#src/database/unit-of-work.js';
import { BAD_BODIES, CHAT_ROUTES } from '../support/chat-routes.js';
import type { Json, Member } from '../support/parley.js';
import { NOT_A_MEMBER, errorAnswer, UNKNOWN_CHAT } from '../support/error-answer.js';
import { removalsDone } from '../support/removals.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
let alex: Member;
let sam: Member;
let kim: Member;

beforeAll(async () => {
  server = await startServer();
  alex = await server.parley.signUp('alex', { name: 'Alex' });
  sam = await server.parley.signUp('sam', { name: 'Sam' });
  kim = await server.parley.signUp('kim', { name: 'Kim' });
});

afterAll(() => server.close());

const SUCCESS = expect.objectContaining({ status: 200, body: { status: 'success' } }) as unknown;
const CANNOT_REMOVE = errorAnswer(403, 'not allowed to remove other users');
const CANNOT_DELETE = errorAnswer(403, 'not allowed to delete specified chat');

const add = (by: Member, chat: string, { username }: Member) =>
  by.put(`/api/chats/${chat}`, { mode: 'add', user: username });
const remove = (by: Member, chat: string, { username }: Member) =>
  by.put(`/api/chats/${chat}`, { mode: 'delete', user: username });
const leave = (member: Member, chat: string) => remove(member, chat, member);

async function usernames(as: Member, chat: string): Promise<string[]> {
  const { users } = await as.describeChat(chat);
  return users.map(({ username }: Json) => username);
}

async function listedNames(member: Member): Promise<string[]> {
  const { body } = await member.get('/api/chats');
  return body.data.map(({ name }: Json) => name);
}

/** Counts the rows of a table whose chat does not exist, and was not deleted recently either. */
async function countOrphans(table: 'members' | 'messages'): Promise<number> {
  await removalsDone(server);
  const [{ count }] = await server.app.get(Reader).query<{ count: number }>(
    `SELECT COUNT(*) AS count FROM ${table} WHERE chat_id NOT IN (SELECT id FROM chats)
         ${table === 'members' ? 'AND chat_id NOT IN (SELECT chat_id FROM deleted_chats)' : ''}`,
  );
  return count;
}

describe('creating a chat', () => {
  test('returns the uuid; the chat contains its users and the first message', async () => {
    const { status, body } = await alex.post('/api/chats', {
      name: 'Super Awesome Chat',
      users: ['sam'],
      message: 'hello',
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      status: 'success',
      data: { uuid: expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/) },
    });

    expect(await sam.describeChat(body.data.uuid)).toEqual({
      uuid: body.data.uuid,
      name: 'Super Awesome Chat',
      users: [alex.user, sam.user],
      messages: [
        {
          index: 0,
          type: 'message',
          sender: alex.user,
          message: 'hello',
          file: null,
          timestamp: expect.any(Number),
          edited: null,
        },
      ],
      unread: 1,
      read: null,
      owner: 'alex',
      room_id: null,
    });
  });

  test('makes the creator the owner, even if another user is listed first', async () => {
    const chat = await alex.createChat([sam]);
    expect(await sam.delete(`/api/chats/${chat}`)).toEqual(CANNOT_DELETE);
    expect(await alex.delete(`/api/chats/${chat}`)).toEqual(SUCCESS);
  });

  test.each([
    ['the creator', ['alex', 'sam']],
    ['a user twice', ['sam', 'sam']],
    ['a user in two spellings', ['sam', 'SAM', 'ｓａｍ']],
    ['the creator twice', ['sam', 'alex', 'ALEX']],
  ])('stores each member once when the list names %s', async (_, users) => {
    const { body } = await alex.post('/api/chats', { name: 'Chat', users, message: 'hello' });
    expect((await usernames(sam, body.data.uuid)).toSorted()).toEqual(['alex', 'sam']);
  });

  test('allows a chat whose only member is the creator', async () => {
    const chat = await alex.createChat([]);
    expect(await usernames(alex, chat)).toEqual(['alex']);
    expect(await alex.send(chat, 'note to self')).toBe(1);
  });

  test('ignores unknown fields', async () => {
    const fields = { uuid: randomUUID(), ownerId: 2, nextSeq: 7, messages: [{ message: 'forged' }] };
    const { body } = await alex.post('/api/chats', { name: 'C', users: ['sam'], message: 'm', ...fields });
    const chat = await alex.describeChat(body.data.uuid);
    expect(chat.uuid).not.toBe(fields.uuid);
    expect(chat.messages).toMatchObject([{ index: 0, message: 'm' }]);
  });

  test.each([
    ['1 character', 'x'],
    ['128 letters', 'n'.repeat(128)],
    ['128 emoji', '😀'.repeat(128)],
    ['leading and trailing spaces', '  padded  '],
  ])('stores a name unchanged: %s', async (_, name) => {
    const chat = await alex.createChat([sam], { name });
    expect((await sam.describeChat(chat)).name).toBe(name);
  });

  const validFields = { name: 'Chat', users: ['sam'], message: 'hello' };
  test.each([
    ['no name', { name: undefined }, /'name' must be present/],
    ['a name that is a number', { name: 5 }, /'name'/],
    ['a name that is null', { name: null }, /'name'/],
    ['a name that is a list', { name: ['Chat'] }, /'name'/],
    ['an empty name', { name: '' }, /'name'/],
    ['a name of 129 letters', { name: 'n'.repeat(129) }, /'name'/],
    ['a name of 129 emoji', { name: '😀'.repeat(129) }, /'name'/],
    ['a name with NUL', { name: 'a\0b' }, /'name'/],
    ['a name with an unpaired surrogate', { name: 'a\ud83d' }, /'name'/],
    ['no users', { users: undefined }, /'users' must be present/],
    ['an empty list of users', { users: [] }, /'users'/],
    ['users that are a string', { users: 'sam' }, /'users'/],
    ['users that are an object', { users: { 0: 'sam', length: 1 } }, /'users'/],
    ['users that are null', { users: null }, /'users'/],
    ['a user that is a number', { users: ['sam', 5] }, /'users'/],
    ['a user that is null', { users: [null] }, /'users'/],
    ['a user that is a list', { users: [['sam']] }, /'users'/],
    ['a user with NUL', { users: ['sam\0'] }, /'users'/],
    ['a user who does not exist', { users: ['sam', 'test'] }, /^user 'test' does not exist$/],
    ['an empty username', { users: [''] }, /^user '' does not exist$/],
    ['a username with a trailing space', { users: ['sam '] }, /^user 'sam ' does not exist$/],
    ['no message', { message: undefined }, /'message' must be present/],
    ['a message that is a number', { message: 5 }, /'message'/],
    ['a message that is null', { message: null }, /'message'/],
    ['an empty message', { message: '' }, /'message'/],
    ['a message of white space', { message: ' \n\u3000' }, /'message'/],
    ['a message of 16,384 characters', { message: 'm'.repeat(16_384) }, /'message'/],
  ])('refuses %s and creates no chat', async (_, invalidFields, reason) => {
    const before = await listedNames(alex);
    expect(await alex.post('/api/chats', { ...validFields, ...invalidFields })).toEqual(
      errorAnswer(400, reason),
    );
    expect(await listedNames(alex)).toEqual(before);
  });

  test.each(Object.entries(BAD_BODIES))('refuses %s', async (_, options) => {
    const answer = await server.parley.request('POST', '/api/chats', { token: alex.token, ...options });
    expect(answer).toEqual(errorAnswer(400));
  });

  test('refuses a request without a body', async () => {
    const answer = await server.parley.request('POST', '/api/chats', { token: alex.token });
    expect(answer).toEqual(errorAnswer(400, /'name' must be present/));
  });
});

describe('listing chats', () => {
  test('is empty for a user without chats', async () => {
    const loner = await server.parley.signUp('loner');
    const { body } = await loner.get('/api/chats');
    expect(body).toEqual({ status: 'success', data: [] });
  });

  test('orders chats by their latest send; edits, deletions, renames and additions do not reorder them', async () => {
    const [lee, max] = [await server.parley.signUp('lee'), await server.parley.signUp('max')];
    const first = await lee.createChat([max], { name: 'first' });
    const second = await max.createChat([lee], { name: 'second' });
    const third = await lee.createChat([max], { name: 'third' });
    expect(await listedNames(lee)).toEqual(['third', 'second', 'first']);

    await max.send(first, 'news');
    expect(await listedNames(lee)).toEqual(['first', 'third', 'second']);
    await lee.send(second, 'more news');
    expect(await listedNames(lee)).toEqual(['second', 'first', 'third']);

    expect(await lee.put(`/api/chats/${third}/messages/0`, { message: 'edited' })).toEqual(SUCCESS);
    expect(await max.delete(`/api/chats/${first}/messages/1`)).toEqual(SUCCESS);
    expect(await lee.put(`/api/chats/${first}`, { name: 'renamed' })).toEqual(SUCCESS);
    expect(await add(lee, third, alex)).toEqual(SUCCESS);
    expect(await listedNames(lee)).toEqual(['second', 'renamed', 'third']);
    expect(await listedNames(max)).toEqual(['second', 'renamed', 'third']);
  });

  test('shows only the most recent message', async () => {
    const chat = await alex.createChat([sam]);
    await sam.send(chat, 'second');
    await alex.send(chat, 'third');
    expect((await alex.describeChat(chat)).messages).toMatchObject([{ index: 2, message: 'third' }]);

    await alex.delete(`/api/chats/${chat}/messages/2`);
    expect((await alex.describeChat(chat)).messages).toMatchObject([{ index: 1, message: 'second' }]);
  });

  test('shows no message when all messages are deleted', async () => {
    const chat = await alex.createChat([sam]);
    await alex.delete(`/api/chats/${chat}/messages/0`);
    const { body } = await alex.get('/api/chats');
    expect(body.data[0]).toMatchObject({
      uuid: chat,
      name: 'Chat',
      users: [alex.user, sam.user],
      messages: [],
    });
  });

  test("shows only the caller's chats", async () => {
    const [eve, bob] = [await server.parley.signUp('eve'), await server.parley.signUp('bob')];
    await alex.createChat([bob], { name: 'with bob' });
    await alex.createChat([eve], { name: 'with eve' });
    expect(await listedNames(eve)).toEqual(['with eve']);
    expect(await listedNames(bob)).toEqual(['with bob']);
  });

  test('returns each chat exactly as its description does', async () => {
    await alex.createChat([sam, kim], { name: 'one' });
    await kim.createChat([sam], { name: 'two' });
    const { body } = await sam.get('/api/chats');
    const described = body.data.map(({ uuid }: Json) => sam.describeChat(uuid));
    expect(body.data).toEqual(await Promise.all(described));
  });
});

describe('describing a chat', () => {
  test('returns an array that contains only this chat', async () => {
    await alex.createChat([sam]);
    const chat = await alex.createChat([sam], { name: 'described' });
    const { body } = await sam.get(`/api/chats/${chat}`);
    expect(body).toMatchObject({ status: 'success', data: [{ uuid: chat, name: 'described' }] });
    expect(body.data).toHaveLength(1);
  });

  test('accepts an upper-case uuid', async () => {
    const chat = await alex.createChat([sam]);
    const { body } = await alex.get(`/api/chats/${chat.toUpperCase()}`);
    expect(body.data[0].uuid).toBe(chat);
  });

  test('shows the public profile of each user, without the email address', async () => {
    const chat = await alex.createChat([sam]);
    expect((await alex.describeChat(chat)).users).toEqual([alex.user, sam.user]);
  });
});

describe('updating a chat', () => {
  test('any member can rename the chat', async () => {
    const chat = await alex.createChat([sam]);
    expect(await sam.put(`/api/chats/${chat}`, { name: 'by sam 😀' })).toEqual(SUCCESS);
    expect((await alex.describeChat(chat)).name).toBe('by sam 😀');
  });

  test('a trailing space in a username is not ignored', async () => {
    const chat = await alex.createChat([sam]);
    for (const mode of ['add', 'delete']) {
      const answer = await alex.put(`/api/chats/${chat}`, { mode, user: 'sam ' });
      expect(answer).toEqual(errorAnswer(400, "user 'sam ' does not exist"));
    }
    expect(await sam.get('/api/users/alex%20')).toEqual(errorAnswer(400, "user 'alex ' does not exist"));
  });

  test('accepts the current name as the new name', async () => {
    const chat = await alex.createChat([sam], { name: 'same' });
    expect(await alex.put(`/api/chats/${chat}`, { name: 'same' })).toEqual(SUCCESS);
  });

  test('any member can add a user; the case of the username does not matter', async () => {
    const chat = await alex.createChat([sam]);
    expect(await sam.put(`/api/chats/${chat}`, { mode: 'add', user: 'KIM' })).toEqual(SUCCESS);
    expect(await usernames(kim, chat)).toEqual(['alex', 'sam', 'kim']);
    expect(await kim.texts(chat)).toEqual(['first']);
  });

  test('refuses to add a user who is already a member', async () => {
    const chat = await alex.createChat([sam]);
    const words = "user 'sam' is already part of specified chat";
    expect(await add(alex, chat, sam)).toEqual(errorAnswer(400, words));
    expect(await add(sam, chat, sam)).toEqual(errorAnswer(400, words));
    expect(await usernames(alex, chat)).toEqual(['alex', 'sam']);
  });

  test('the owner can remove any member', async () => {
    const chat = await alex.createChat([sam, kim]);
    expect(await remove(alex, chat, sam)).toEqual(SUCCESS);
    expect(await usernames(alex, chat)).toEqual(['alex', 'kim']);
  });

  test('a member who is not the owner can remove only themself', async () => {
    const chat = await alex.createChat([sam, kim]);
    expect(await remove(sam, chat, kim)).toEqual(CANNOT_REMOVE);
    expect(await remove(sam, chat, alex)).toEqual(CANNOT_REMOVE);
    expect(await usernames(alex, chat)).toEqual(['alex', 'sam', 'kim']);
    expect(await sam.put(`/api/chats/${chat}`, { mode: 'delete', user: 'SAM' })).toEqual(SUCCESS);
    expect(await usernames(alex, chat)).toEqual(['alex', 'kim']);
  });

  test('refuses to remove a non-member, and tells only the owner that the user is not a member', async () => {
    const chat = await alex.createChat([sam]);
    expect(await remove(alex, chat, kim)).toEqual(
      errorAnswer(400, "user 'kim' is not part of specified chat"),
    );
    expect(await remove(sam, chat, kim)).toEqual(CANNOT_REMOVE);
  });

  test.each(['add', 'delete'])('mode %s refuses a user who does not exist', async (mode) => {
    const chat = await alex.createChat([sam]);
    const answer = await alex.put(`/api/chats/${chat}`, { mode, user: 'test' });
    expect(answer).toEqual(errorAnswer(400, "user 'test' does not exist"));
  });

  test('a member who may not remove others gets 403 even if the user does not exist', async () => {
    const chat = await alex.createChat([sam]);
    expect(await sam.put(`/api/chats/${chat}`, { mode: 'delete', user: 'test' })).toEqual(CANNOT_REMOVE);
  });

  test('one request changes the name and the members', async () => {
    const chat = await alex.createChat([sam]);
    const update = { name: 'with kim', mode: 'add', user: 'kim' };
    expect(await sam.put(`/api/chats/${chat}`, update)).toEqual(SUCCESS);
    expect(await alex.describeChat(chat)).toMatchObject({
      name: 'with kim',
      users: [alex.user, sam.user, kim.user],
    });
    const farewell = { name: 'without kim', mode: 'delete', user: 'kim' };
    expect(await kim.put(`/api/chats/${chat}`, farewell)).toEqual(SUCCESS);
    expect(await alex.describeChat(chat)).toMatchObject({
      name: 'without kim',
      users: [alex.user, sam.user],
    });
  });

  test.each([
    ['the user does not exist', { name: 'new', mode: 'add', user: 'test' }, 400],
    ['the user is a member', { name: 'new', mode: 'add', user: 'alex' }, 400],
    ['the user may not be removed', { name: 'new', mode: 'delete', user: 'alex' }, 403],
    ['the name is empty', { name: '', mode: 'add', user: 'kim' }, 400],
    ['the name is too long', { name: 'n'.repeat(129), mode: 'add', user: 'kim' }, 400],
    ['the mode is unknown', { name: 'new', mode: 'remove', user: 'kim' }, 400],
    ['the user is missing', { name: 'new', mode: 'add' }, 400],
    ['the mode is missing', { name: 'new', user: 'kim' }, 400],
  ])('changes nothing when %s', async (_, update, status) => {
    const chat = await alex.createChat([sam]);
    expect(await sam.put(`/api/chats/${chat}`, update)).toEqual(errorAnswer(status));
    expect(await alex.describeChat(chat)).toMatchObject({ name: 'Chat', users: [alex.user, sam.user] });
  });

  test.each([
    ['an empty object', {}, /'name' and 'mode'/],
    ['only unknown fields', { title: 'new' }, /'name' and 'mode'/],
    ['a mode without a user', { mode: 'add' }, /'user' must be present/],
    ['a user without a mode', { user: 'kim' }, /'mode' must be present/],
    ['an unknown mode', { mode: 'ADD', user: 'kim' }, /'mode'/],
    ['a mode that is null', { name: 'new', mode: null }, /'mode'/],
    ['a user that is a number', { mode: 'add', user: 5 }, /'user'/],
    ['a user that is null', { mode: 'add', user: null }, /'user'/],
    ['a user that is a list', { mode: 'add', user: ['kim'] }, /'user'/],
    ['an empty user', { mode: 'add', user: '' }, /'user'/],
    ['a name that is a number', { name: 5 }, /'name'/],
    ['a name that is null', { name: null }, /'name'/],
    ['an empty name', { name: '' }, /'name'/],
    ['a name of 129 emoji', { name: '😀'.repeat(129) }, /'name'/],
  ])('refuses %s', async (_, update, reason) => {
    const chat = await alex.createChat([sam]);
    expect(await alex.put(`/api/chats/${chat}`, update)).toEqual(errorAnswer(400, reason));
  });

  test.each(Object.entries(BAD_BODIES))('refuses %s', async (_, options) => {
    const chat = await alex.createChat([sam]);
    const path = `/api/chats/${chat}`;
    const answer = await server.parley.request('PUT', path, { token: alex.token, ...options });
    expect(answer).toEqual(errorAnswer(400));
  });
});

describe('leaving a chat', () => {
  test('passes ownership to the longest-standing member', async () => {
    const chat = await alex.createChat([]);
    await add(alex, chat, sam);
    await add(alex, chat, kim);
    expect(await leave(alex, chat)).toEqual(SUCCESS);

    expect(await kim.delete(`/api/chats/${chat}`)).toEqual(CANNOT_DELETE);
    expect(await remove(sam, chat, kim)).toEqual(SUCCESS);
    expect(await sam.delete(`/api/chats/${chat}`)).toEqual(SUCCESS);
  });

  test('resets seniority: a member who rejoins is the newest member', async () => {
    const chat = await alex.createChat([]);
    await add(alex, chat, sam);
    await add(alex, chat, kim);
    await leave(sam, chat);
    await add(alex, chat, sam);
    expect(await usernames(alex, chat)).toEqual(['alex', 'kim', 'sam']);
    await leave(alex, chat);
    expect(await sam.delete(`/api/chats/${chat}`)).toEqual(CANNOT_DELETE);
    expect(await kim.delete(`/api/chats/${chat}`)).toEqual(SUCCESS);
  });

  test('does not change the owner when an ordinary member leaves', async () => {
    const chat = await alex.createChat([sam, kim]);
    await leave(sam, chat);
    expect(await remove(alex, chat, kim)).toEqual(SUCCESS);
  });

  test('does not restore ownership when the former owner rejoins', async () => {
    const chat = await alex.createChat([sam]);
    await leave(alex, chat);
    await add(sam, chat, alex);
    expect(await alex.delete(`/api/chats/${chat}`)).toEqual(CANNOT_DELETE);
  });

  test('keeps the messages of the member who left', async () => {
    const chat = await alex.createChat([sam]);
    await sam.send(chat, 'goodbye');
    await leave(sam, chat);
    expect((await alex.list(chat)).messages).toMatchObject([{}, { sender: sam.user, message: 'goodbye' }]);
  });

  test('deletes the chat and its messages when the last member leaves', async () => {
    const chat = await alex.createChat([sam]);
    expect(await leave(alex, chat)).toEqual(SUCCESS);
    expect(await leave(sam, chat)).toEqual(SUCCESS);
    expect(await sam.get(`/api/chats/${chat}`)).toEqual(UNKNOWN_CHAT);
    expect(await alex.get(`/api/chats/${chat}`)).toEqual(UNKNOWN_CHAT);
    expect([await countOrphans('messages'), await countOrphans('members')]).toEqual([0, 0]);
  });

  test('by erasing the account passes on ownership, and deletes chats without other members', async () => {
    const ann = await server.parley.signUp('ann');
    const shared = await ann.createChat([]);
    await add(ann, shared, sam);
    await add(ann, shared, kim);
    const alone = await ann.createChat([]);
    expect(await ann.delete('/api/users/ann')).toEqual(SUCCESS);

    expect(await sam.get(`/api/chats/${alone}`)).toEqual(UNKNOWN_CHAT);
    expect(await usernames(kim, shared)).toEqual(['sam', 'kim']);
    expect(await kim.delete(`/api/chats/${shared}`)).toEqual(CANNOT_DELETE);
    expect(await sam.delete(`/api/chats/${shared}`)).toEqual(SUCCESS);
  });
});

describe('deleting a chat', () => {
  test('is allowed only for the owner, and deletes the chat for all members', async () => {
    const chat = await alex.createChat([sam]);
    const other = await alex.createChat([sam], { name: 'other' });
    expect(await sam.delete(`/api/chats/${chat}`)).toEqual(CANNOT_DELETE);
    expect(await alex.delete(`/api/chats/${chat}`)).toEqual(SUCCESS);

    expect(await alex.delete(`/api/chats/${chat}`)).toEqual(UNKNOWN_CHAT);
    expect(await sam.get(`/api/chats/${chat}`)).toEqual(UNKNOWN_CHAT);
    expect((await listedNames(sam))[0]).toBe('other');
    expect(await sam.texts(other)).toEqual(['first']);
    expect([await countOrphans('messages'), await countOrphans('members')]).toEqual([0, 0]);
  });
});

const ROUTES = CHAT_ROUTES.map((route) => [`${route.method} /api/chats/{chat}${route.path}`, route] as const);

describe.each(ROUTES)('%s', (_, { method, path, json }) => {
  const call = (as: Member | undefined, chat: string, options = {}, query = '') =>
    server.parley.request(method, `/api/chats/${chat}${path}${query}`, {
      token: as?.token,
      json,
      ...options,
    });

  const NONSENSE_QUERY = method === 'GET' ? '?page=x&per_page=0&before=1&after=1' : '';
  const badBodies = json === undefined ? [] : Object.entries(BAD_BODIES);

  test('refuses a non-member and changes nothing', async () => {
    const chat = await alex.createChat([sam]);
    const before = [await alex.describeChat(chat), await alex.list(chat)];
    expect(await call(kim, chat)).toEqual(NOT_A_MEMBER);
    expect([await alex.describeChat(chat), await alex.list(chat)]).toEqual(before);
  });

  test('refuses a non-member before it checks the query, the body or the message', async () => {
    const chat = await alex.createChat([sam]);
    expect(await call(kim, chat, {}, NONSENSE_QUERY)).toEqual(NOT_A_MEMBER);
    for (const [, options] of badBodies) {
      expect(await call(kim, chat, { json: undefined, ...options })).toEqual(NOT_A_MEMBER);
    }
    await alex.delete(`/api/chats/${chat}/messages/0`);
    expect(await call(kim, chat)).toEqual(NOT_A_MEMBER);
  });

  test('refuses a removed member, and accepts the member after they are added again', async () => {
    const chat = await kim.createChat([alex, sam]);
    await kim.send(chat, 'second');
    await leave(kim, chat);
    expect(await call(kim, chat)).toEqual(NOT_A_MEMBER);
    expect(await remove(alex, chat, sam)).toEqual(SUCCESS);
    expect(await call(sam, chat)).toEqual(NOT_A_MEMBER);
    await add(alex, chat, sam);
    expect(await call(sam, chat)).not.toEqual(NOT_A_MEMBER);
  });

  test('reports an unknown chat before it checks the query and the body', async () => {
    expect(await call(alex, randomUUID())).toEqual(UNKNOWN_CHAT);
    expect(await call(alex, randomUUID(), {}, NONSENSE_QUERY)).toEqual(UNKNOWN_CHAT);
    for (const [, options] of badBodies) {
      expect(await call(alex, randomUUID(), { json: undefined, ...options })).toEqual(UNKNOWN_CHAT);
    }
  });

  test.each(['1', 'chat', '3e17b51b', '3e17b51b01db4b20b1f595fd054376b7', '%F0%9F%98%80', "'%20OR%201=1"])(
    'refuses %s as a uuid',
    async (uuid) => {
      expect(await call(alex, uuid)).toEqual(errorAnswer(400, /path parameter 'chat'/));
    },
  );

  test('refuses a uuid with extra characters around it', async () => {
    const chat = await alex.createChat([sam]);
    for (const uuid of [`${chat}%20`, `%20${chat}`, `${chat}%0A`, `${chat}0`, `{${chat}}`]) {
      expect(await call(alex, uuid)).toEqual(errorAnswer(400, /path parameter 'chat'/));
    }
  });

  test('checks the token before anything else', async () => {
    const chat = await alex.createChat([sam]);
    const missing = errorAnswer(401, "header 'Authorization' must be present");
    expect(await call(undefined, chat)).toEqual(missing);
    expect(await call(undefined, randomUUID())).toEqual(missing);
    expect(await call(undefined, 'chat', {}, NONSENSE_QUERY)).toEqual(missing);
    expect(await call(undefined, chat, { token: 'nonsense' })).toEqual(errorAnswer(401, /^invalid token: /));
  });
});
