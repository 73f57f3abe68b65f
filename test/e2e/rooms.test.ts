import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Reader } from '#src/database/unit-of-work.js';
import { type Answer, expectSuccess, type Json, type Member } from '../support/parley.js';
import {
  createRoom,
  join,
  leave,
  outcome,
  ownEntry,
  roomError,
  stateOf,
  type TestRoom,
} from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';
import { tally } from '../support/tally.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NOT_IN_ROOM = roomError(403, 'you are not in this room');
const NOT_FOUND = roomError(404, 'room not found');
const MISSING_NAME_OR_TOKEN = roomError(400, 'missing room name or token');
const WRONG_PASSWORD = roomError(403, 'wrong password');
const INVALID_FIELDS = roomError(400, 'invalid fields received');
const ROOM_EXISTS = roomError(400, 'room already exists');
const NO_SUCH_ROOM = { name: 'no such room', id: 987_654 };

let server: TestServer;
let alex: Member;
let sam: Member;
let kim: Member;

beforeAll(async () => {
  server = await startServer();
  const { parley } = server;
  [alex, sam, kim] = await Promise.all([parley.signUp('alex'), parley.signUp('sam'), parley.signUp('kim')]);
});

afterAll(() => server.close());

const query = <Row>(sql: string, parameters: (string | number)[] = []) =>
  server.app.get(Reader).query<Row>(sql, parameters);

const inParallel = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));

const send = (member: Member, { id }: Pick<TestRoom, 'id'>, message: string) =>
  member.post('/api/send_room_message', { room_id: id, message });

const messagesOf = (member: Member, { id }: Pick<TestRoom, 'id'>, more = '') =>
  member.get(`/api/get_room_messages?room_id=${id}${more}`);

const membersOf = (member: Member, { id }: Pick<TestRoom, 'id'>) => member.get(`/api/room_members/${id}`);

describe('create_room', () => {
  test('returns 201 with the id and chat of the new room; the creator is a member', async () => {
    const answer = await alex.post('/api/create_room', { room_name: 'Created' });
    expect(outcome(answer)).toEqual({
      status: 201,
      body: {
        message: 'room "Created" created',
        room_id: expect.any(Number),
        chat: expect.stringMatching(UUID),
      },
    });
    const id: number = answer.body.room_id;
    expect(Number.isInteger(id)).toBe(true);
    expect((await membersOf(sam, { id })).body).toEqual({ members: ['alex'] });
    expect(await alex.describeChat(answer.body.chat)).toEqual({
      uuid: answer.body.chat,
      name: 'Created',
      users: [alex.user],
      messages: [],
      unread: 0,
      read: null,
      owner: 'alex',
      room_id: id,
    });
  });

  test('creates a public room and ignores a password when is_private is missing or 0', async () => {
    const rooms = [
      { room_name: 'Public by default' },
      { room_name: 'Public by default, with a password', password: 'secret' },
      { room_name: 'Public', is_private: 0 },
      { room_name: 'Public, with a password', is_private: 0, password: 'secret' },
      { room_name: 'Public, with an empty password', is_private: 0, password: '' },
    ];
    for (const room of rooms) {
      expect((await alex.post('/api/create_room', room)).status).toBe(201);
      expect((await join(sam, { name: room.room_name })).status).toBe(200);
    }
    const stored = await query(
      "SELECT password_hash FROM rooms WHERE name LIKE 'Public%' AND password_hash IS NOT NULL",
    );
    expect(stored).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['no name', { is_private: 0 }],
    ['a number as the name', { room_name: 5 }],
    ['null as the name', { room_name: null }],
    ['a list as the name', { room_name: ['Room'] }],
    ['an empty name', { room_name: '' }],
    ['white space as the name', { room_name: ' \t\n\u00a0\u3000\ufeff' }],
    ['a name of white space that trim() keeps', { room_name: '\u0085' }],
    ['a name of 65 characters', { room_name: 'x'.repeat(65) }],
    ['a name of 65 emoji', { room_name: '😀'.repeat(65) }],
    ['a name with NUL', { room_name: 'a\0b' }],
    ['a name with an unpaired surrogate', { room_name: 'a\ud83d' }],
    ['is_private true', { room_name: 'Refused', is_private: true, password: 'secret' }],
    ['is_private false', { room_name: 'Refused', is_private: false }],
    ['is_private "1"', { room_name: 'Refused', is_private: '1', password: 'secret' }],
    ['is_private 2', { room_name: 'Refused', is_private: 2, password: 'secret' }],
    ['is_private -1', { room_name: 'Refused', is_private: -1, password: 'secret' }],
    ['is_private 0.5', { room_name: 'Refused', is_private: 0.5, password: 'secret' }],
    ['is_private null', { room_name: 'Refused', is_private: null }],
    ['a private room without a password', { room_name: 'Refused', is_private: 1 }],
    ['a private room with an empty password', { room_name: 'Refused', is_private: 1, password: '' }],
    ['a private room with null as its password', { room_name: 'Refused', is_private: 1, password: null }],
    ['a number as the password', { room_name: 'Refused', is_private: 1, password: 12345 }],
    ['a number as the password of a public room', { room_name: 'Refused', password: 12345 }],
    ['null as the password of a public room', { room_name: 'Refused', password: null }],
    ['a password with NUL', { room_name: 'Refused', is_private: 1, password: 'a\0b' }],
    ['a password of 1,025 characters', { room_name: 'Refused', is_private: 1, password: 'x'.repeat(1025) }],
  ])('refuses %s and creates no room', async (_, json) => {
    expect(outcome(await alex.post('/api/create_room', json))).toEqual(INVALID_FIELDS);
    expect(await query("SELECT name FROM rooms WHERE name = 'Refused'")).toEqual([]);
  });

  test('refuses a request without a body', async () => {
    expect(outcome(await alex.post('/api/create_room'))).toEqual(INVALID_FIELDS);
  });

  test('trims the name, which may then have up to 64 characters of any script', async () => {
    for (const name of ['x'.repeat(64), '😀'.repeat(64), 'Ünïcödé ☕ 茶室']) {
      const answer = await alex.post('/api/create_room', { room_name: `\t \u00a0${name}\n\u3000 ` });
      expect(answer).toMatchObject({ status: 201, body: { message: `room "${name}" created` } });
      expect((await alex.describeChat(answer.body.chat)).name).toBe(name);
      expect((await join(sam, { name: `  ${name}\r\n` })).body).toMatchObject({ room_name: name });
    }
  });

  test('refuses a taken name, with or without surrounding white space', async () => {
    await createRoom(alex, 'Taken');
    for (const room_name of ['Taken', ' Taken', 'Taken  ', '\tTaken\n']) {
      expect(outcome(await sam.post('/api/create_room', { room_name }))).toEqual(ROOM_EXISTS);
      expect(
        outcome(await alex.post('/api/create_room', { room_name, is_private: 1, password: 'x' })),
      ).toEqual(ROOM_EXISTS);
    }
  });

  test('names that differ in case, accents, emoji or inner spaces belong to different rooms', async () => {
    const names = [
      'Cafe',
      'cafe',
      'Café',
      'Cafe\u0301',
      'Straße',
      'Strasse',
      'c 😀',
      'c 😁',
      'C  😀',
      '%',
      '_',
    ];
    const rooms: TestRoom[] = [];
    for (const name of names) rooms.push(await createRoom(alex, name));
    expect(new Set(rooms.map(({ id }) => id)).size).toBe(names.length);
    for (const { id, name, chat } of rooms) {
      expect(outcome(await join(sam, { name }))).toEqual({
        status: 200,
        body: { message: `sam joined room "${name}"`, room_id: id, room_name: name, chat },
      });
    }
    expect(outcome(await join(sam, { name: 'CAFE' }))).toEqual(NOT_FOUND);
    expect(outcome(await join(sam, { name: 'c 😂' }))).toEqual(NOT_FOUND);
  });

  test('of 50 concurrent requests to create a room of one name, exactly one succeeds', async () => {
    const answers = await inParallel(50, () => alex.post('/api/create_room', { room_name: 'Contested' }));
    expect(tally(answers)).toEqual({ 201: 1, 400: 49 });
    for (const answer of answers.filter(({ status }) => status === 400)) {
      expect(outcome(answer)).toEqual(ROOM_EXISTS);
    }
    expect(await query("SELECT name FROM chats WHERE name = 'Contested'")).toHaveLength(1);
  });

  test('stores the password as an argon2id hash and returns it in no response', async () => {
    const password = 'pass 😀 word';
    const answers: Answer[] = [
      await alex.post('/api/create_room', { room_name: 'Vault', is_private: 1, password }),
      await join(sam, { name: 'Vault' }, password),
    ];
    const id: number = answers[0].body.room_id;
    answers.push(
      await alex.get('/api/user_rooms'),
      await sam.get('/api/rooms'),
      await membersOf(sam, { id }),
      await messagesOf(sam, { id }),
      await sam.get(`/api/chats/${answers[0].body.chat}`),
    );
    const [{ password_hash }] = await query<{ password_hash: string }>(
      'SELECT password_hash FROM rooms WHERE id = ?',
      [id],
    );
    expect(password_hash).toMatch(/^\$argon2id\$/);
    const told = JSON.stringify(answers.map(({ body }) => body));
    expect(told).not.toContain(password);
    expect(told).not.toContain('argon2');
    expect(told).not.toContain('"password');
  });
});

describe('join_room', () => {
  test('answers exactly as the reference for a public room', async () => {
    const john = await server.parley.signUp('john_doe');
    const { id, chat } = await createRoom(alex, 'General Discussion');
    expect(outcome(await join(john, { name: 'General Discussion' }))).toEqual({
      status: 200,
      body: {
        message: 'john_doe joined room "General Discussion"',
        room_id: id,
        room_name: 'General Discussion',
        chat,
      },
    });
    expect((await membersOf(kim, { id })).body).toEqual({ members: ['alex', 'john_doe'] });
  });

  test('answers exactly as the reference for a private room', async () => {
    const { id, chat } = await createRoom(alex, 'Secret Club', 'secure-password');
    expect(outcome(await join(sam, { name: 'Secret Club' }))).toEqual(roomError(403, 'password required'));
    expect(outcome(await join(sam, { name: 'Secret Club' }, ''))).toEqual(
      roomError(403, 'password required'),
    );
    for (const wrong of ['Secure-password', 'secure-password ', ' ', 'x'.repeat(1024)]) {
      expect(outcome(await join(sam, { name: 'Secret Club' }, wrong))).toEqual(WRONG_PASSWORD);
    }
    expect((await membersOf(alex, { id })).body).toEqual({ members: ['alex'] });
    expect(outcome(await join(sam, { name: ' Secret Club ' }, 'secure-password'))).toEqual({
      status: 200,
      body: { message: 'sam joined room "Secret Club"', room_id: id, room_name: 'Secret Club', chat },
    });
    expect((await membersOf(alex, { id })).body).toEqual({ members: ['alex', 'sam'] });
  });

  test('compares passwords of any script exactly', async () => {
    const room = await createRoom(alex, 'Unicode password', '  pässword 😀 ');
    expect(outcome(await join(sam, room, 'pässword 😀'))).toEqual(WRONG_PASSWORD);
    expect(outcome(await join(sam, room, '  pässword 😁 '))).toEqual(WRONG_PASSWORD);
    expect(outcome(await join(sam, room, '  pa\u0308ssword 😀 '))).toEqual(WRONG_PASSWORD);
    expect((await join(sam, room, '  pässword 😀 ')).status).toBe(200);
  });

  test('a public room ignores a password', async () => {
    const room = await createRoom(alex, 'Needs no password');
    expect((await join(sam, room, 'whatever')).status).toBe(200);
    expect((await join(kim, room, '')).status).toBe(200);
  });

  test('returns 404 for an unknown room, with and without a password', async () => {
    expect(outcome(await join(sam, NO_SUCH_ROOM))).toEqual(NOT_FOUND);
    expect(outcome(await join(sam, NO_SUCH_ROOM, 'secret'))).toEqual(NOT_FOUND);
  });

  test('a chat that is not a room cannot be joined by its name', async () => {
    const chat = await alex.createChat([sam], { name: 'Private conversation' });
    expect(outcome(await join(kim, { name: 'Private conversation' }))).toEqual(NOT_FOUND);
    expect((await kim.get(`/api/chats/${chat}`)).status).toBe(403);
  });

  test.each<[string, unknown]>([
    ['no body', undefined],
    ['no name', { password: 'secret' }],
    ['an empty name', { name: '' }],
    ['white space as the name', { name: ' \n\u3000' }],
    ['null as the name', { name: null }],
    ['a number as the name', { name: 5 }],
    ['a list as the name', { name: ['General Discussion'] }],
    ['an object as the name', { name: { $ne: '' } }],
    ['a name with NUL', { name: 'a\0b' }],
    ['a name with an unpaired surrogate', { name: '\ud83d' }],
  ])('reports a missing room name for %s', async (_, json) => {
    expect(outcome(await sam.post('/api/join_room', json))).toEqual(MISSING_NAME_OR_TOKEN);
  });

  test.each<[string, unknown]>([
    ['a number', 5],
    ['null', null],
    ['a list', ['secret']],
    ['true', true],
    ['text with NUL', 'a\0'],
  ])('refuses %s as the password, for any room', async (_, password) => {
    for (const name of ['General Discussion', 'Secret Club', NO_SUCH_ROOM.name]) {
      const { status, body } = await sam.post('/api/join_room', { name, password });
      expect(status).toBe(400);
      expect(body.error).toMatch(/^field 'password' must be /);
    }
  });

  test("returns 400 with the reference's message when the Authorization header is missing", async () => {
    const { parley } = server;
    expect(outcome(await parley.post('/api/join_room', { name: 'General Discussion' }))).toEqual(
      MISSING_NAME_OR_TOKEN,
    );
    expect(outcome(await parley.post('/api/join_room', {}))).toEqual(MISSING_NAME_OR_TOKEN);
    expect(outcome(await parley.post('/api/join_room', { name: 'x' }, { token: '' }))).toEqual(
      MISSING_NAME_OR_TOKEN,
    );
  });

  test('accepts the token with and without the Bearer prefix', async () => {
    const room = await createRoom(alex, 'Bearer');
    for (const token of [sam.token, `Bearer ${sam.token}`, `bearer ${sam.token}`]) {
      expect((await server.parley.post('/api/join_room', { name: room.name }, { token })).status).toBe(200);
    }
  });

  test('a user who has joined can read, send and edit through the chat API', async () => {
    const room = await createRoom(alex, 'Also a chat');
    expect((await sam.get(`/api/chats/${room.chat}`)).status).toBe(403);
    const { chat } = (await join(sam, room)).body;
    expect(chat).toBe(room.chat);
    expect(await sam.send(chat, 'hello')).toBe(0);
    expectSuccess(await sam.put(`/api/chats/${chat}/messages/0`, { message: 'hello 😀' }));
    const link = expectSuccess(await sam.post(`/api/chats/${chat}/messages`, { type: 'image' }));
    expect(link.data.index).toBe(1);
    expect(await alex.texts(chat)).toEqual(['hello 😀', '']);
    expect(await sam.describeChat(chat)).toMatchObject({ name: 'Also a chat', users: [alex.user, sam.user] });
    expect((await messagesOf(alex, room)).body.messages[0]).toMatchObject({ message: 'hello 😀' });
  });

  test('joining again returns 200 and updates joined_at', async () => {
    const room = await createRoom(alex, 'Again');
    const first = await join(sam, room);
    const before = (await ownEntry(sam, room)).joined_at;
    const second = await join(sam, room);
    expect(outcome(second)).toEqual(outcome(first));
    expect((await ownEntry(sam, room)).joined_at).toBeGreaterThan(before);
    expect((await membersOf(alex, room)).body).toEqual({ members: ['alex', 'sam'] });
  });

  test('joining again keeps seniority: the longest-standing member becomes the owner', async () => {
    const room = await createRoom(alex, 'Seniority');
    await join(sam, room);
    await join(kim, room);
    await join(sam, room);
    await leave(alex, room);
    expect(await stateOf(server, room)).toEqual({ owner: 'sam', members: ['sam', 'kim'] });
    expect((await kim.delete(`/api/chats/${room.chat}`)).status).toBe(403);
    expect((await sam.delete(`/api/chats/${room.chat}`)).status).toBe(200);
  });

  test('leaving resets seniority', async () => {
    const room = await createRoom(alex, 'Lost seniority');
    await join(sam, room);
    await join(kim, room);
    await leave(sam, room);
    await join(sam, room);
    await leave(alex, room);
    expect(await stateOf(server, room)).toEqual({ owner: 'kim', members: ['kim', 'sam'] });
  });

  test('100 concurrent joins by one user create one membership', async () => {
    const room = await createRoom(alex, 'Crowded by one');
    expect(tally(await inParallel(100, () => join(sam, room)))).toEqual({ 200: 100 });
    expect(await stateOf(server, room)).toEqual({ owner: 'alex', members: ['alex', 'sam'] });
  });

  test('each join of a private room requires the password, even from members and the owner', async () => {
    const room = await createRoom(alex, 'Due each time', 'secret');
    await join(sam, room, 'secret');
    const before = (await ownEntry(sam, room)).joined_at;
    for (const member of [sam, alex]) {
      expect(outcome(await join(member, room))).toEqual(roomError(403, 'password required'));
      expect(outcome(await join(member, room, 'wrong'))).toEqual(WRONG_PASSWORD);
    }
    expect((await ownEntry(sam, room)).joined_at).toBe(before);
    expect((await join(sam, room, 'secret')).status).toBe(200);
    expect((await ownEntry(sam, room)).joined_at).toBeGreaterThan(before);
  });

  test('a user added through the chat API is a member of the private room', async () => {
    const room = await createRoom(alex, 'Invited', 'secret');
    expectSuccess(await alex.put(`/api/chats/${room.chat}`, { mode: 'add', user: 'sam' }));
    expect(await ownEntry(sam, room)).toMatchObject({ name: 'Invited', is_private: 1, chat: room.chat });
    expect((await send(sam, room, 'hi')).status).toBe(200);
    expectSuccess(await alex.put(`/api/chats/${room.chat}`, { mode: 'delete', user: 'sam' }));
    expect(outcome(await send(sam, room, 'hi'))).toEqual(NOT_IN_ROOM);
  });
});

describe('leave_room', () => {
  test('ends the membership, also in the chat API; the user can join again', async () => {
    const room = await createRoom(alex, 'Left');
    await join(sam, room);
    const answer = await leave(sam, room);
    expect(outcome(answer)).toEqual({ status: 200, body: { message: 'sam left room "Left"' } });
    expect((await membersOf(alex, room)).body).toEqual({ members: ['alex'] });
    expect(await ownEntry(sam, room)).toBeUndefined();
    expect((await sam.get(`/api/chats/${room.chat}`)).status).toBe(403);
    expect(outcome(await leave(sam, room))).toEqual(NOT_IN_ROOM);
    expect((await join(sam, room)).status).toBe(200);
  });

  test('a room without members is kept, and the first user to join becomes the owner', async () => {
    const room = await createRoom(alex, 'Deserted', 'secret');
    await send(alex, room, 'before I go');
    await leave(alex, room);
    expect(await stateOf(server, room)).toEqual({ owner: null, members: [] });
    expect(outcome(await alex.post('/api/create_room', { room_name: 'Deserted' }))).toEqual(ROOM_EXISTS);
    expect(outcome(await membersOf(alex, room))).toEqual(NOT_IN_ROOM);
    expect(outcome(await join(sam, room, 'wrong'))).toEqual(WRONG_PASSWORD);
    await join(sam, room, 'secret');
    await join(alex, room, 'secret');
    expect(await stateOf(server, room)).toEqual({ owner: 'sam', members: ['sam', 'alex'] });
    expect(await sam.texts(room.chat)).toEqual(['before I go']);
    expect((await alex.delete(`/api/chats/${room.chat}`)).status).toBe(403);
    expectSuccess(await sam.delete(`/api/chats/${room.chat}`));
  });

  test('a public room without members stays in the list', async () => {
    const room = await createRoom(alex, 'Deserted plaza');
    expectSuccess(await alex.put(`/api/chats/${room.chat}`, { mode: 'delete', user: 'alex' }));
    expect((await sam.get('/api/rooms')).body.rooms).toContainEqual({
      room_id: room.id,
      name: 'Deserted plaza',
      joined: false,
    });
    expect((await membersOf(sam, room)).body).toEqual({ members: [] });
  });

  test('refuses a non-member, and returns 404 for an unknown room', async () => {
    const room = await createRoom(alex, 'Never entered');
    expect(outcome(await leave(sam, room))).toEqual(NOT_IN_ROOM);
    expect(outcome(await leave(sam, NO_SUCH_ROOM))).toEqual(NOT_FOUND);
    expect(await stateOf(server, room)).toEqual({ owner: 'alex', members: ['alex'] });
  });

  test.each<[string, unknown]>([
    ['no body', undefined],
    ['no room_id', {}],
  ])('reports missing fields for %s', async (_, json) => {
    expect(outcome(await sam.post('/api/leave_room', json))).toEqual(roomError(400, 'missing fields'));
  });

  test.each<[string, unknown]>([
    ['a string', '1'],
    ['a fraction', 1.5],
    ['a negative number', -1],
    ['null', null],
    ['true', true],
    ['a list', [1]],
    ['a number beyond 2^53', 2 ** 53],
  ])('refuses %s as the room_id', async (_, room_id) => {
    const wrong = roomError(400, "field 'room_id' must be an integer from 0 to 9007199254740991");
    expect(outcome(await sam.post('/api/leave_room', { room_id }))).toEqual(wrong);
    expect(outcome(await sam.post('/api/send_room_message', { room_id, message: 'x' }))).toEqual(wrong);
  });
});

describe('rooms and user_rooms', () => {
  test('rooms lists public rooms and whether the caller has joined each', async () => {
    const open = await createRoom(alex, 'Listed');
    const secret = await createRoom(alex, 'Unlisted', 'secret');
    await join(sam, open);
    const listed = async (member: Member) => {
      const { status, body } = await member.get('/api/rooms');
      expect(status).toBe(200);
      expect(Object.keys(body)).toEqual(['rooms']);
      return body.rooms.filter(({ room_id }: Json) => [open.id, secret.id].includes(room_id));
    };
    expect(await listed(sam)).toEqual([{ room_id: open.id, name: 'Listed', joined: true }]);
    expect(await listed(kim)).toEqual([{ room_id: open.id, name: 'Listed', joined: false }]);
    expect(await listed(alex)).toEqual([{ room_id: open.id, name: 'Listed', joined: true }]);
  });

  test("user_rooms lists the caller's public and private rooms, but no plain chats", async () => {
    const owner = await server.parley.signUp('collector');
    const open = await createRoom(owner, 'Mine');
    const secret = await createRoom(owner, 'Mine too', 'secret');
    await owner.createChat([sam]);
    const { status, body } = await owner.get('/api/user_rooms');
    expect(status).toBe(200);
    const joined_at = expect.any(Number);
    expect(body).toEqual({
      rooms: [
        { room_id: secret.id, name: 'Mine too', is_private: 1, chat: secret.chat, joined_at },
        { room_id: open.id, name: 'Mine', is_private: 0, chat: open.chat, joined_at },
      ],
    });
    const guest = await server.parley.signUp('no_collector');
    expect((await guest.get('/api/user_rooms')).body).toEqual({ rooms: [] });
  });

  test('joined_at is in seconds with a fraction', async () => {
    const before = Date.now() / 1000;
    const room = await createRoom(alex, 'Timed');
    await Promise.all([join(sam, room), join(kim, room)]);
    const after = Date.now() / 1000;
    const all = await Promise.all([alex, sam, kim].map((member) => ownEntry(member, room)));
    for (const { joined_at } of all) {
      expect(joined_at).toBeGreaterThan(before - 1);
      expect(joined_at).toBeLessThan(after + 1);
    }
    expect(all.some(({ joined_at }) => !Number.isInteger(joined_at))).toBe(true);
  });
});

describe('room_members', () => {
  test('anyone can list the members of a public room', async () => {
    const room = await createRoom(alex, 'Public members');
    await join(sam, room);
    expect(outcome(await membersOf(kim, room))).toEqual({ status: 200, body: { members: ['alex', 'sam'] } });
  });

  test('only members can list the members of a private room', async () => {
    const room = await createRoom(alex, 'Private members', 'secret');
    await join(sam, room, 'secret');
    expect(outcome(await membersOf(sam, room))).toEqual({ status: 200, body: { members: ['alex', 'sam'] } });
    expect(outcome(await membersOf(kim, room))).toEqual(NOT_IN_ROOM);
    await leave(sam, room);
    expect(outcome(await membersOf(sam, room))).toEqual(NOT_IN_ROOM);
  });

  test('returns 404 for an unknown room', async () => {
    expect(outcome(await membersOf(sam, NO_SUCH_ROOM))).toEqual(NOT_FOUND);
    expect(outcome(await sam.get('/api/room_members/9007199254740991'))).toEqual(NOT_FOUND);
  });

  test.each(['abc', '01', '-1', '-0', '1.0', '1e3', '+1', '%201', '9007199254740992', '1%00'])(
    'refuses %s as a room id',
    async (id) => {
      expect(outcome(await sam.get(`/api/room_members/${id}`))).toEqual(
        roomError(400, "path parameter 'room_id' must be an integer from 0 to 9007199254740991"),
      );
    },
  );
});

describe('send_room_message and get_room_messages', () => {
  test('members can send and read; each message has its sender, time and room', async () => {
    const room = await createRoom(alex, 'Talk');
    await join(sam, room);
    const before = Date.now() / 1000;
    expect(outcome(await send(alex, room, 'hello'))).toEqual({ status: 200, body: { message: 'sent' } });
    expect(outcome(await send(sam, room, '  hello 😀\n'))).toEqual({
      status: 200,
      body: { message: 'sent' },
    });
    const after = Date.now() / 1000;

    const { status, body } = await messagesOf(sam, room);
    expect(status).toBe(200);
    const created_at = expect.any(Number);
    expect(body).toEqual({
      messages: [
        { index: 0, username: 'alex', message: 'hello', created_at, room_id: room.id },
        { index: 1, username: 'sam', message: '  hello 😀\n', created_at, room_id: room.id },
      ],
    });
    const sentAt = body.messages.map((message: Json) => message.created_at);
    expect(sentAt[0]).toBeGreaterThan(before - 1);
    expect(sentAt[1]).toBeGreaterThan(sentAt[0]);
    expect(sentAt[1]).toBeLessThan(after + 1);
    expect(sentAt.some((seconds: number) => !Number.isInteger(seconds))).toBe(true);
    expect(await alex.texts(room.chat)).toEqual(['hello', '  hello 😀\n']);
  });

  test('a new room has no messages', async () => {
    const room = await createRoom(alex, 'Silent');
    expect(outcome(await messagesOf(alex, room))).toEqual({ status: 200, body: { messages: [] } });
  });

  test('non-members can neither read nor send, in public and in private rooms', async () => {
    for (const room of [await createRoom(alex, 'Read by none'), await createRoom(alex, 'Closed', 'secret')]) {
      expect(outcome(await send(sam, room, 'let me in'))).toEqual(NOT_IN_ROOM);
      expect(outcome(await messagesOf(sam, room))).toEqual(NOT_IN_ROOM);
      expect(await alex.texts(room.chat)).toEqual([]);
    }
    expect(outcome(await send(sam, NO_SUCH_ROOM, 'x'))).toEqual(NOT_FOUND);
    expect(outcome(await messagesOf(sam, NO_SUCH_ROOM))).toEqual(NOT_FOUND);
  });

  test.each<[string, object]>([
    ['no room_id', { message: 'x' }],
    ['no message', { room_id: 1 }],
    ['neither field', {}],
    ['an empty text', { room_id: 1, message: '' }],
    ['white space', { room_id: 1, message: ' \n\u3000\u0085' }],
    ['an empty text to an unknown room', { room_id: 9_999, message: '' }],
  ])('reports missing fields for %s', async (_, json) => {
    expect(outcome(await sam.post('/api/send_room_message', json))).toEqual(roomError(400, 'missing fields'));
  });

  test.each<[string, unknown]>([
    ['a number', 5],
    ['null', null],
    ['a list', ['x']],
    ['text with NUL', 'a\0'],
    ['text with an unpaired surrogate', '\ud83d'],
    ['16,384 characters', 'x'.repeat(16_384)],
    ['16,384 emoji', '😀'.repeat(16_384)],
  ])('refuses to send %s', async (_, message) => {
    const room_id = (await ownEntry(alex, await getEmptyRoom())).room_id;
    const answer = await alex.post('/api/send_room_message', { room_id, message });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: expect.stringMatching(/^field 'message' must /) });
    expect((await messagesOf(alex, { id: room_id })).body.messages).toEqual([]);
  });

  test('sends a text of 16,383 emoji', async () => {
    const room = await createRoom(alex, 'Long texts');
    const text = '😀'.repeat(16_383);
    expect((await send(alex, room, text)).status).toBe(200);
    expect((await messagesOf(alex, room)).body.messages[0].message).toBe(text);
  });

  test('limit returns the newest messages, before returns messages before an index, both oldest first', async () => {
    const room = await createRoom(alex, 'Windows');
    for (let index = 0; index < 6; index++) await send(alex, room, `text ${index}`);
    expectSuccess(await alex.delete(`/api/chats/${room.chat}/messages/3`));
    const indices = async (more: string) => {
      const { status, body } = await messagesOf(alex, room, more);
      expect(status).toBe(200);
      return body.messages.map(({ index }: Json) => index);
    };
    expect(await indices('')).toEqual([0, 1, 2, 4, 5]);
    expect(await indices('&limit=2')).toEqual([4, 5]);
    expect(await indices('&limit=1000')).toEqual([0, 1, 2, 4, 5]);
    expect(await indices('&before=4&limit=2')).toEqual([1, 2]);
    expect(await indices('&before=3')).toEqual([0, 1, 2]);
    expect(await indices('&before=0')).toEqual([]);
    expect(await indices('&before=9007199254740991&limit=3')).toEqual([2, 4, 5]);
  });

  test('the default limit is 100 messages', async () => {
    const room = await createRoom(alex, 'Chatty');
    await inParallel(101, (index) => send(alex, room, `text ${index}`));
    const { messages } = (await messagesOf(alex, room)).body;
    expect(messages.map(({ index }: Json) => index)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect((await messagesOf(alex, room, '&limit=1000')).body.messages).toHaveLength(101);
  });

  test.each([
    ['', "query parameter 'room_id' must be present"],
    ['?room_id=', "query parameter 'room_id' must be an integer from 0 to 9007199254740991"],
    ['?room_id=01', "query parameter 'room_id' must be an integer from 0 to 9007199254740991"],
    ['?room_id=-1', "query parameter 'room_id' must be an integer from 0 to 9007199254740991"],
    ['?room_id=1e0', "query parameter 'room_id' must be an integer from 0 to 9007199254740991"],
    ['?room_id=1&room_id=2', "query parameter 'room_id' must be an integer from 0 to 9007199254740991"],
    ['?room_id=1&limit=0', "query parameter 'limit' must be an integer from 1 to 1000"],
    ['?room_id=1&limit=1001', "query parameter 'limit' must be an integer from 1 to 1000"],
    ['?room_id=1&limit=', "query parameter 'limit' must be an integer from 1 to 1000"],
    ['?room_id=1&limit=-0', "query parameter 'limit' must be an integer from 1 to 1000"],
    ['?room_id=1&before=x', "query parameter 'before' must be an integer from 0 to 9007199254740991"],
    ['?room_id=1&before=-1', "query parameter 'before' must be an integer from 0 to 9007199254740991"],
  ])('refuses get_room_messages%s', async (search, error) => {
    expect(outcome(await alex.get(`/api/get_room_messages${search}`))).toEqual(roomError(400, error));
  });
});

/** Returns a room of alex without messages. The first call creates the room. */
async function getEmptyRoom(): Promise<TestRoom> {
  const name = 'Nothing valid is sent here';
  const { body } = await alex.get('/api/user_rooms');
  const known = body.rooms.find((room: Json) => room.name === name);
  return known ? { name, id: known.room_id, chat: known.chat } : createRoom(alex, name);
}

describe('tokens', () => {
  const ROUTES: [string, string, unknown][] = [
    ['POST', '/api/join_room', { name: 'General Discussion' }],
    ['POST', '/api/create_room', { room_name: 'Made without a token' }],
    ['POST', '/api/leave_room', { room_id: 1 }],
    ['GET', '/api/rooms', undefined],
    ['GET', '/api/user_rooms', undefined],
    ['GET', '/api/room_members/1', undefined],
    ['POST', '/api/send_room_message', { room_id: 1, message: 'x' }],
    ['GET', '/api/get_room_messages?room_id=1', undefined],
  ];
  const UNAUTHORIZED = roomError(401, 'unauthorized');

  test.each(ROUTES)('%s %s refuses an invalid token', async (method, path, json) => {
    const { parley, mailbox } = server;
    const leaver = await parley.signUp(`leaver_${path.replaceAll(/\W/g, '')}`);
    expectSuccess(await leaver.get('/api/auth/logout'));
    const mailed = await mailbox.waitForToken(alex.email, /verif/i);
    for (const token of ['x', 'Bearer', 'Bearer x', `${alex.token}x`, leaver.token, mailed]) {
      expect(outcome(await parley.request(method, path, { token, json }))).toEqual(UNAUTHORIZED);
    }
  });

  test.each(ROUTES.slice(1))('%s %s returns 401 without a token', async (method, path, json) => {
    expect(outcome(await server.parley.request(method, path, { json }))).toEqual(UNAUTHORIZED);
  });

  test('refuses the token of an erased user', async () => {
    const gone = await server.parley.signUp('gone');
    expectSuccess(await gone.delete('/api/users/gone'));
    expect(outcome(await join(gone, { name: 'General Discussion' }))).toEqual(UNAUTHORIZED);
  });

  test('no request without a token has created a room', async () => {
    expect(await query("SELECT id FROM rooms WHERE name = 'Made without a token'")).toEqual([]);
  });
});

describe("a room's chat", () => {
  test('deleting the chat deletes the room and its password attempts, and frees the name', async () => {
    const room = await createRoom(alex, 'Demolished', 'secret');
    await join(sam, room, 'secret');
    await join(kim, room, 'wrong');
    expect((await sam.delete(`/api/chats/${room.chat}`)).status).toBe(403);
    expectSuccess(await alex.delete(`/api/chats/${room.chat}`));
    expect(outcome(await join(sam, room, 'secret'))).toEqual(NOT_FOUND);
    expect(outcome(await leave(sam, room))).toEqual(NOT_FOUND);
    expect(outcome(await membersOf(sam, room))).toEqual(NOT_FOUND);
    expect(await ownEntry(sam, room)).toBeUndefined();
    const rebuilt = await createRoom(sam, 'Demolished');
    expect(rebuilt.id).not.toBe(room.id);
  });

  test('renaming the chat renames the room to the trimmed name and frees the old name', async () => {
    const room = await createRoom(alex, 'Old name');
    await join(sam, room);
    expectSuccess(await sam.put(`/api/chats/${room.chat}`, { name: '  New näme 😀 ' }));
    expect((await alex.describeChat(room.chat)).name).toBe('New näme 😀');
    expect((await ownEntry(alex, room)).name).toBe('New näme 😀');
    expect(outcome(await join(kim, { name: 'Old name' }))).toEqual(NOT_FOUND);
    expect((await join(kim, { name: 'New näme 😀' })).body).toMatchObject({ room_id: room.id });
    expect((await createRoom(sam, 'Old name')).id).not.toBe(room.id);
    expect(outcome(await sam.post('/api/create_room', { room_name: 'New näme 😀' }))).toEqual(ROOM_EXISTS);
  });

  test('the chat can be renamed to its current name, or to the same name in another case', async () => {
    const room = await createRoom(alex, 'Same');
    expectSuccess(await alex.put(`/api/chats/${room.chat}`, { name: ' Same' }));
    expectSuccess(await alex.put(`/api/chats/${room.chat}`, { name: 'same' }));
    expect((await ownEntry(alex, room)).name).toBe('same');
  });

  test.each([
    ['too long', 'x'.repeat(65), "field 'name' must have 1 to 64 characters"],
    ['too long in emoji', '😀'.repeat(65), "field 'name' must have 1 to 64 characters"],
    ['blank', ' \u3000\n', "field 'name' must have 1 to 64 characters"],
    ['taken', ' Occupied ', 'room already exists'],
  ])(
    'refuses a name that is %s in the dialect of the chat API and changes nothing',
    async (fault, name, reason) => {
      await alex.post('/api/create_room', { room_name: 'Occupied' });
      const room = await createRoom(alex, `Not renamed to what is ${fault}`);
      const answer = await alex.put(`/api/chats/${room.chat}`, { name, mode: 'add', user: 'sam' });
      expect(outcome(answer)).toEqual({
        status: 400,
        body: expect.objectContaining({ status: 'error', reason }) as unknown,
      });
      expect((await alex.describeChat(room.chat)).name).toBe(room.name);
      expect((await ownEntry(alex, room)).name).toBe(room.name);
      expect((await membersOf(alex, room)).body).toEqual({ members: ['alex'] });
    },
  );

  test('a chat that is not a room may have a taken, untrimmed or 128-character name', async () => {
    await alex.post('/api/create_room', { room_name: 'Shared name' });
    const chat = await alex.createChat([sam]);
    for (const name of ['Shared name', 'x'.repeat(128), '  spaced ']) {
      expectSuccess(await alex.put(`/api/chats/${chat}`, { name }));
      expect((await alex.describeChat(chat)).name).toBe(name);
    }
  });

  test('of two concurrent renames to one name, exactly one succeeds', async () => {
    const rooms = [await createRoom(alex, 'Rival one'), await createRoom(alex, 'Rival two')];
    const answers = await Promise.all(
      rooms.map(({ chat }) => alex.put(`/api/chats/${chat}`, { name: 'Wanted by both' })),
    );
    expect(tally(answers)).toEqual({ 200: 1, 400: 1 });
  });
});

describe('erasing a user', () => {
  test("passes on the user's rooms, deletes the user's messages and keeps rooms without members", async () => {
    const { parley } = server;
    const owner = await parley.signUp('eraser');
    const shared = await createRoom(owner, 'Inherited', 'secret');
    const alone = await createRoom(owner, 'Left behind');
    const visited = await createRoom(alex, 'Visited', 'secret');
    await join(sam, shared, 'secret');
    await join(kim, shared, 'secret');
    await join(owner, visited, 'secret');
    await join(owner, visited, 'wrong');
    await send(owner, shared, 'mine');
    await send(sam, shared, 'not mine');

    expectSuccess(await owner.delete('/api/users/eraser'));
    expect(await stateOf(server, shared)).toEqual({ owner: 'sam', members: ['sam', 'kim'] });
    expect(await stateOf(server, alone)).toEqual({ owner: null, members: [] });
    expect(await stateOf(server, visited)).toEqual({ owner: 'alex', members: ['alex'] });
    expect((await messagesOf(kim, shared)).body.messages).toMatchObject([{ index: 1, username: 'sam' }]);

    await join(kim, alone);
    expect(await stateOf(server, alone)).toEqual({ owner: 'kim', members: ['kim'] });
  });
});

test('joining by a name of 65 characters, which no room can have, returns 404', async () => {
  const answer = await alex.post('/api/join_room', { name: 'x'.repeat(65) });
  expect([answer.status, answer.body]).toEqual([404, expect.objectContaining({ error: 'room not found' })]);
});
