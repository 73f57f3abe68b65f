import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Reader } from '#src/database/unit-of-work.js';
import { BAD_BODIES, CHAT_ROUTES } from '../support/chat-routes.js';
import type { Json, Member } from '../support/parley.js';
import { NOT_A_MEMBER, errorAnswer, UNKNOWN_CHAT } from '../support/error-answer.js';
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

/** How many rows of a table belong to no chat that exists. */
async function orphans(table: 'members' | 'messages'): Promise<number> {
  const [{ count }] = await server.app
    .get(Reader)
    .query<{ count: number }>(
      `SELECT COUNT(*) AS count FROM ${table} WHERE chat_id NOT IN (SELECT id FROM chats)`,
    );
  return count;
}

describe('creating a chat', () => {
  test('answers with its uuid, and the chat holds its users and the first message', async () => {
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
    });
  });

  test('makes its creator the owner, though the list names somebody else first', async () => {
    const chat = await alex.createChat([sam]);
    expect(await sam.delete(`/api/chats/${chat}`)).toEqual(CANNOT_DELETE);
    expect(await alex.delete(`/api/chats/${chat}`)).toEqual(SUCCESS);
  });

  test.each([
    ['oneself', ['alex', 'sam']],
    ['a user twice', ['sam', 'sam']],
    ['a user in two spellings', ['sam', 'SAM', 'ｓａｍ']],
    ['oneself twice', ['sam', 'alex', 'ALEX']],
  ])('takes no offence when the list names %s', async (_, users) => {
    const { body } = await alex.post('/api/chats', { name: 'Chat', users, message: 'hello' });
    expect((await usernames(sam, body.data.uuid)).toSorted()).toEqual(['alex', 'sam']);
  });

  test('with oneself alone is allowed', async () => {
    const chat = await alex.createChat([]);
    expect(await usernames(alex, chat)).toEqual(['alex']);
    expect(await alex.send(chat, 'note to self')).toBe(1);
  });

  test('ignores fields that it does not know', async () => {
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
    ['spaces around it', '  padded  '],
  ])('keeps a name of %s as it is', async (_, name) => {
    const chat = await alex.createChat([sam], { name });
    expect((await sam.describeChat(chat)).name).toBe(name);
  });

  const right = { name: 'Chat', users: ['sam'], message: 'hello' };
  test.each([
    ['no name', { name: undefined }, /'name' must be present/],
    ['a name that is a number', { name: 5 }, /'name'/],
    ['a name that is null', { name: null }, /'name'/],
    ['a name that is a list', { name: ['Chat'] }, /'name'/],
    ['an empty name', { name: '' }, /'name'/],
    ['a name of 129 letters', { name: 'n'.repeat(129) }, /'name'/],
    ['a name of 129 emoji', { name: '😀'.repeat(129) }, /'name'/],
    ['a name with NUL', { name: 'a\0b' }, /'name'/],
    ['a name with half of an emoji', { name: 'a\ud83d' }, /'name'/],
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
    ['a user without a name', { users: [''] }, /^user '' does not exist$/],
    ['a user with a space behind', { users: ['sam '] }, /^user 'sam ' does not exist$/],
    ['no message', { message: undefined }, /'message' must be present/],
    ['a message that is a number', { message: 5 }, /'message'/],
    ['a message that is null', { message: null }, /'message'/],
    ['an empty message', { message: '' }, /'message'/],
    ['a message of white space', { message: ' \n\u3000' }, /'message'/],
    ['a message of 16,384 characters', { message: 'm'.repeat(16_384) }, /'message'/],
  ])('refuses %s, and nothing of it is there', async (_, wrong, reason) => {
    const before = await listedNames(alex);
    expect(await alex.post('/api/chats', { ...right, ...wrong })).toEqual(errorAnswer(400, reason));
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

  test('puts the latest activity first, and editing, deleting and renaming are none', async () => {
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

  test('shows the most recent message alone', async () => {
    const chat = await alex.createChat([sam]);
    await sam.send(chat, 'second');
    await alex.send(chat, 'third');
    expect((await alex.describeChat(chat)).messages).toMatchObject([{ index: 2, message: 'third' }]);

    await alex.delete(`/api/chats/${chat}/messages/2`);
    expect((await alex.describeChat(chat)).messages).toMatchObject([{ index: 1, message: 'second' }]);
  });

  test('shows no message once all are deleted', async () => {
    const chat = await alex.createChat([sam]);
    await alex.delete(`/api/chats/${chat}/messages/0`);
    const { body } = await alex.get('/api/chats');
    expect(body.data[0]).toEqual({ uuid: chat, name: 'Chat', users: [alex.user, sam.user], messages: [] });
  });

  test('shows the chats of the caller and no others', async () => {
    const [eve, bob] = [await server.parley.signUp('eve'), await server.parley.signUp('bob')];
    await alex.createChat([bob], { name: 'with bob' });
    await alex.createChat([eve], { name: 'with eve' });
    expect(await listedNames(eve)).toEqual(['with eve']);
    expect(await listedNames(bob)).toEqual(['with bob']);
  });

  test('shows what the description of each chat shows', async () => {
    await alex.createChat([sam, kim], { name: 'one' });
    await kim.createChat([sam], { name: 'two' });
    const { body } = await sam.get('/api/chats');
    const described = body.data.map(({ uuid }: Json) => sam.describeChat(uuid));
    expect(body.data).toEqual(await Promise.all(described));
  });
});

describe('describing a chat', () => {
  test('answers with an array of this one chat', async () => {
    await alex.createChat([sam]);
    const chat = await alex.createChat([sam], { name: 'described' });
    const { body } = await sam.get(`/api/chats/${chat}`);
    expect(body).toMatchObject({ status: 'success', data: [{ uuid: chat, name: 'described' }] });
    expect(body.data).toHaveLength(1);
  });

  test('finds the uuid in either case', async () => {
    const chat = await alex.createChat([sam]);
    const { body } = await alex.get(`/api/chats/${chat.toUpperCase()}`);
    expect(body.data[0].uuid).toBe(chat);
  });

  test('shows users alone as everybody sees them, without email', async () => {
    const chat = await alex.createChat([sam]);
    expect((await alex.describeChat(chat)).users).toEqual([alex.user, sam.user]);
  });
});

describe('updating a chat', () => {
  test('any member renames it', async () => {
    const chat = await alex.createChat([sam]);
    expect(await sam.put(`/api/chats/${chat}`, { name: 'by sam 😀' })).toEqual(SUCCESS);
    expect((await alex.describeChat(chat)).name).toBe('by sam 😀');
  });

  test('a user with a space behind the name is somebody else', async () => {
    const chat = await alex.createChat([sam]);
    for (const mode of ['add', 'delete']) {
      const answer = await alex.put(`/api/chats/${chat}`, { mode, user: 'sam ' });
      expect(answer).toEqual(errorAnswer(400, "user 'sam ' does not exist"));
    }
    expect(await sam.get('/api/users/alex%20')).toEqual(errorAnswer(400, "user 'alex ' does not exist"));
  });

  test('to the name that it has is fine', async () => {
    const chat = await alex.createChat([sam], { name: 'same' });
    expect(await alex.put(`/api/chats/${chat}`, { name: 'same' })).toEqual(SUCCESS);
  });

  test('any member adds a user, in any spelling of the name', async () => {
    const chat = await alex.createChat([sam]);
    expect(await sam.put(`/api/chats/${chat}`, { mode: 'add', user: 'KIM' })).toEqual(SUCCESS);
    expect(await usernames(kim, chat)).toEqual(['alex', 'sam', 'kim']);
    expect(await kim.texts(chat)).toEqual(['first']);
  });

  test('adding a member again is refused', async () => {
    const chat = await alex.createChat([sam]);
    const words = "user 'sam' is already part of specified chat";
    expect(await add(alex, chat, sam)).toEqual(errorAnswer(400, words));
    expect(await add(sam, chat, sam)).toEqual(errorAnswer(400, words));
    expect(await usernames(alex, chat)).toEqual(['alex', 'sam']);
  });

  test('the owner removes anyone', async () => {
    const chat = await alex.createChat([sam, kim]);
    expect(await remove(alex, chat, sam)).toEqual(SUCCESS);
    expect(await usernames(alex, chat)).toEqual(['alex', 'kim']);
  });

  test('any other member removes themself alone', async () => {
    const chat = await alex.createChat([sam, kim]);
    expect(await remove(sam, chat, kim)).toEqual(CANNOT_REMOVE);
    expect(await remove(sam, chat, alex)).toEqual(CANNOT_REMOVE);
    expect(await usernames(alex, chat)).toEqual(['alex', 'sam', 'kim']);
    expect(await sam.put(`/api/chats/${chat}`, { mode: 'delete', user: 'SAM' })).toEqual(SUCCESS);
    expect(await usernames(alex, chat)).toEqual(['alex', 'kim']);
  });

  test('removing a user who is not in it is refused, and told to the owner alone', async () => {
    const chat = await alex.createChat([sam]);
    expect(await remove(alex, chat, kim)).toEqual(
      errorAnswer(400, "user 'kim' is not part of specified chat"),
    );
    expect(await remove(sam, chat, kim)).toEqual(CANNOT_REMOVE);
  });

  test.each(['add', 'delete'])('%s refuses a user who does not exist', async (mode) => {
    const chat = await alex.createChat([sam]);
    const answer = await alex.put(`/api/chats/${chat}`, { mode, user: 'test' });
    expect(answer).toEqual(errorAnswer(400, "user 'test' does not exist"));
  });

  test('who may not remove others is told so, whether the other exists or not', async () => {
    const chat = await alex.createChat([sam]);
    expect(await sam.put(`/api/chats/${chat}`, { mode: 'delete', user: 'test' })).toEqual(CANNOT_REMOVE);
  });

  test('name and user change together', async () => {
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
  ])('nothing of it happens when %s', async (_, update, status) => {
    const chat = await alex.createChat([sam]);
    expect(await sam.put(`/api/chats/${chat}`, update)).toEqual(errorAnswer(status));
    expect(await alex.describeChat(chat)).toMatchObject({ name: 'Chat', users: [alex.user, sam.user] });
  });

  test.each([
    ['nothing', {}, /'name' and 'mode'/],
    ['unknown fields alone', { title: 'new' }, /'name' and 'mode'/],
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
  ])('with %s is refused', async (_, update, reason) => {
    const chat = await alex.createChat([sam]);
    expect(await alex.put(`/api/chats/${chat}`, update)).toEqual(errorAnswer(400, reason));
  });

  test.each(Object.entries(BAD_BODIES))('with %s is refused', async (_, options) => {
    const chat = await alex.createChat([sam]);
    const path = `/api/chats/${chat}`;
    const answer = await server.parley.request('PUT', path, { token: alex.token, ...options });
    expect(answer).toEqual(errorAnswer(400));
  });
});

describe('leaving a chat', () => {
  test('passes the ownership to the member who is in it longest', async () => {
    const chat = await alex.createChat([]);
    await add(alex, chat, sam);
    await add(alex, chat, kim);
    expect(await leave(alex, chat)).toEqual(SUCCESS);

    expect(await kim.delete(`/api/chats/${chat}`)).toEqual(CANNOT_DELETE);
    expect(await remove(sam, chat, kim)).toEqual(SUCCESS);
    expect(await sam.delete(`/api/chats/${chat}`)).toEqual(SUCCESS);
  });

  test('costs the seniority: who comes back is the newest', async () => {
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

  test('as an ordinary member changes nothing about the owner', async () => {
    const chat = await alex.createChat([sam, kim]);
    await leave(sam, chat);
    expect(await remove(alex, chat, kim)).toEqual(SUCCESS);
  });

  test('does not make the owner one again who comes back', async () => {
    const chat = await alex.createChat([sam]);
    await leave(alex, chat);
    await add(sam, chat, alex);
    expect(await alex.delete(`/api/chats/${chat}`)).toEqual(CANNOT_DELETE);
  });

  test('keeps what was said', async () => {
    const chat = await alex.createChat([sam]);
    await sam.send(chat, 'goodbye');
    await leave(sam, chat);
    expect((await alex.list(chat)).messages).toMatchObject([{}, { sender: sam.user, message: 'goodbye' }]);
  });

  test('as the last one takes the chat along, with its messages', async () => {
    const chat = await alex.createChat([sam]);
    expect(await leave(alex, chat)).toEqual(SUCCESS);
    expect(await leave(sam, chat)).toEqual(SUCCESS);
    expect(await sam.get(`/api/chats/${chat}`)).toEqual(UNKNOWN_CHAT);
    expect(await alex.get(`/api/chats/${chat}`)).toEqual(UNKNOWN_CHAT);
    expect([await orphans('messages'), await orphans('members')]).toEqual([0, 0]);
  });

  test('by erasing oneself passes the ownership too, and takes the chat along where one was alone', async () => {
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
  test('is for its owner alone, and it is gone for everybody', async () => {
    const chat = await alex.createChat([sam]);
    const other = await alex.createChat([sam], { name: 'other' });
    expect(await sam.delete(`/api/chats/${chat}`)).toEqual(CANNOT_DELETE);
    expect(await alex.delete(`/api/chats/${chat}`)).toEqual(SUCCESS);

    expect(await alex.delete(`/api/chats/${chat}`)).toEqual(UNKNOWN_CHAT);
    expect(await sam.get(`/api/chats/${chat}`)).toEqual(UNKNOWN_CHAT);
    expect((await listedNames(sam))[0]).toBe('other');
    expect(await sam.texts(other)).toEqual(['first']);
    expect([await orphans('messages'), await orphans('members')]).toEqual([0, 0]);
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

  test('refuses an outsider, and nothing changes', async () => {
    const chat = await alex.createChat([sam]);
    const before = [await alex.describeChat(chat), await alex.list(chat)];
    expect(await call(kim, chat)).toEqual(NOT_A_MEMBER);
    expect([await alex.describeChat(chat), await alex.list(chat)]).toEqual(before);
  });

  test('tells an outsider nothing but that, whatever else is wrong', async () => {
    const chat = await alex.createChat([sam]);
    expect(await call(kim, chat, {}, NONSENSE_QUERY)).toEqual(NOT_A_MEMBER);
    for (const [, options] of badBodies) {
      expect(await call(kim, chat, { json: undefined, ...options })).toEqual(NOT_A_MEMBER);
    }
    await alex.delete(`/api/chats/${chat}/messages/0`);
    expect(await call(kim, chat)).toEqual(NOT_A_MEMBER);
  });

  test('refuses a member from the moment of the removal, and serves again from the next addition', async () => {
    const chat = await kim.createChat([alex, sam]);
    await kim.send(chat, 'second');
    await leave(kim, chat);
    expect(await call(kim, chat)).toEqual(NOT_A_MEMBER);
    expect(await remove(alex, chat, sam)).toEqual(SUCCESS);
    expect(await call(sam, chat)).toEqual(NOT_A_MEMBER);
    await add(alex, chat, sam);
    expect(await call(sam, chat)).not.toEqual(NOT_A_MEMBER);
  });

  test('says that an unknown chat does not exist, before it looks at query and body', async () => {
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

  test('refuses a uuid with something around it', async () => {
    const chat = await alex.createChat([sam]);
    for (const uuid of [`${chat}%20`, `%20${chat}`, `${chat}%0A`, `${chat}0`, `{${chat}}`]) {
      expect(await call(alex, uuid)).toEqual(errorAnswer(400, /path parameter 'chat'/));
    }
  });

  test('asks for the token before anything else', async () => {
    const chat = await alex.createChat([sam]);
    const missing = errorAnswer(401, "header 'Authorization' must be present");
    expect(await call(undefined, chat)).toEqual(missing);
    expect(await call(undefined, randomUUID())).toEqual(missing);
    expect(await call(undefined, 'chat', {}, NONSENSE_QUERY)).toEqual(missing);
    expect(await call(undefined, chat, { token: 'nonsense' })).toEqual(errorAnswer(401, /^invalid token: /));
  });
});
