import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorAnswer, NOT_A_MEMBER } from '../support/error-answer.js';
import { Filler } from '../support/fill.js';
import { type Json, expectSuccess, type Member } from '../support/parley.js';
import { createRoom, join, type TestRoom } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';

const CHATS = 7;
const MEMBERS = 230;

let server: TestServer;
let filler: Filler;
let alex: Member;
let sam: Member;
let kim: Member;
/** Their names are `chat 0` to `chat 6`, the first is the one that has been silent for the longest time. */
const chats: string[] = [];
let crowd: string;

beforeAll(async () => {
  server = await startServer();
  filler = new Filler(server);
  alex = await server.parley.signUp('alex');
  sam = await server.parley.signUp('sam');
  kim = await server.parley.signUp('kim');
  for (let n = 0; n < CHATS; n += 1) chats.push(await alex.createChat([sam], { name: `chat ${n}` }));
  crowd = await kim.createChat([sam], { name: 'crowd' });
  await filler.addUsers('crowd.', MEMBERS - 2);
  await filler.addMembers(await filler.idOf('chats', 'uuid', crowd), 'crowd.');
});

afterAll(() => server.close());

interface Listing {
  path: string;
  /** The property of the entries. */
  entries: string;
}

const CHAT_LIST: Listing = { path: '/api/chats', entries: 'data' };

/** Returns the pages of a list. Runs `between` after each. */
async function pagesOf(
  member: Member,
  { path, entries }: Listing,
  limit: number,
  between: () => Promise<unknown> = async () => {},
): Promise<Json[][]> {
  const pages: Json[][] = [];
  let cursor = '';
  for (;;) {
    const { status, body } = await member.get(`${path}?limit=${limit}${cursor}`);
    expect(status).toBe(200);
    pages.push(body[entries]);
    if (body.next === null) return pages;
    expect(body.next).toMatch(/^[\w-]+$/);
    cursor = `&after=${body.next}`;
    await between();
  }
}

const namesOf = (list: Json[]) => list.map(({ name }) => name);

describe('a list of chats', () => {
  test.each([1, 2, CHATS - 1, CHATS, 200])(
    'comes whole in pages of %s, the latest activity first',
    async (limit) => {
      const whole = expectSuccess(await alex.get('/api/chats'));
      expect(whole.next).toBeUndefined();
      expect(namesOf(whole.data)).toEqual(chats.map((_, n) => `chat ${n}`).toReversed());

      const pages = await pagesOf(alex, CHAT_LIST, limit);
      expect(pages.map(({ length }) => length).slice(0, -1)).toEqual(Array(pages.length - 1).fill(limit));
      expect(pages.flat()).toEqual(whole.data.map((chat: Json) => ({ ...chat, user_count: 2 })));
    },
  );

  test('has no page after a page that holds its last chat', async () => {
    const { body } = await alex.get(`/api/chats?limit=${CHATS}`);
    expect([body.data.length, body.next]).toEqual([CHATS, null]);
  });

  test('is one empty page for a user without chats', async () => {
    const robin = await server.parley.signUp('robin');
    expect((await robin.get('/api/chats?limit=5')).body).toEqual({ status: 'success', data: [], next: null });
  });

  test('shows no chat twice while others send, and a chat that moves up not at all', async () => {
    const [silent] = chats;
    const pages = await pagesOf(alex, CHAT_LIST, 2, () => sam.send(silent, 'again'));
    expect(namesOf(pages.flat())).toEqual(['chat 6', 'chat 5', 'chat 4', 'chat 3', 'chat 2', 'chat 1']);
    const [[first]] = await pagesOf(alex, CHAT_LIST, 1);
    expect([first.name, first.messages[0].message]).toEqual(['chat 0', 'again']);
  });

  test('loses no chat among those that were active at the same time', async () => {
    const lee = await server.parley.signUp('lee');
    await filler.addChats(await filler.idOf('users', 'username', 'lee'), 'same', 25);
    const whole = namesOf(expectSuccess(await lee.get('/api/chats')).data);
    expect(whole).toHaveLength(25);
    expect(namesOf((await pagesOf(lee, CHAT_LIST, 4)).flat())).toEqual(whole);
  });

  test('has 100 users of a large chat at most, the longest-standing ones, and counts all', async () => {
    const { body } = await kim.get('/api/chats?limit=1');
    const [{ users, user_count }] = body.data;
    const all: Json[] = (await kim.describeChat(crowd)).users;
    expect([all.length, user_count]).toEqual([MEMBERS, MEMBERS]);
    expect(users).toEqual(all.slice(0, 100));
    expect(users.slice(0, 3)).toEqual([kim.user, sam.user, { name: 'n', username: 'crowd.0' }]);
  });

  test('counts the users as they come and go', async () => {
    const robin = await server.parley.signUp('robin.2');
    const chat = await robin.createChat([alex, sam]);
    const count = async () => (await robin.get('/api/chats?limit=1')).body.data[0].user_count;
    expect(await count()).toBe(3);
    await robin.put(`/api/chats/${chat}`, { mode: 'add', user: 'kim' });
    expect(await count()).toBe(4);
    await alex.put(`/api/chats/${chat}`, { mode: 'delete', user: 'alex' });
    expect(await count()).toBe(3);
    const lou = await server.parley.signUp('lou');
    await robin.put(`/api/chats/${chat}`, { mode: 'add', user: 'lou' });
    await lou.delete('/api/users/lou');
    expect(await count()).toBe(3);
    await robin.put(`/api/chats/${chat}`, { mode: 'delete', user: 'robin.2' });
  });
});

describe('the users of a chat', () => {
  const listing = () => ({ path: `/api/chats/${crowd}/users`, entries: 'data' });

  test('come in pages, the longest-standing first', async () => {
    const { users } = await kim.describeChat(crowd);
    for (const limit of [1, 100, 200]) {
      const pages = limit === 1 ? [] : await pagesOf(kim, listing(), limit);
      if (limit > 1) expect(pages.flat()).toEqual(users);
    }
    expect((await kim.get(`/api/chats/${crowd}/users?limit=1`)).body.data).toEqual([kim.user]);
  });

  test('are 100 without a limit', async () => {
    const { body } = await kim.get(`/api/chats/${crowd}/users`);
    expect([body.data.length, typeof body.next]).toEqual([100, 'string']);
  });

  test('are not doubled when users leave and join meanwhile', async () => {
    const chat = await alex.createChat([sam, kim]);
    const lou = await server.parley.signUp('lou.2');
    const change = async () => {
      await alex.put(`/api/chats/${chat}`, { mode: 'delete', user: 'sam' });
      await alex.put(`/api/chats/${chat}`, { mode: 'add', user: 'lou.2' });
    };
    const pages = await pagesOf(alex, { path: `/api/chats/${chat}/users`, entries: 'data' }, 1, change);
    expect(pages.flat()).toEqual([alex.user, kim.user, lou.user]);
  });

  test('are told to members alone', async () => {
    expect(await alex.get(`/api/chats/${crowd}/users`)).toEqual(NOT_A_MEMBER);
  });
});

describe('rooms', () => {
  const rooms: TestRoom[] = [];

  beforeAll(async () => {
    for (const name of ['Zoo', 'alps', 'Beach', '\uffee', '😀']) rooms.push(await createRoom(alex, name));
    await createRoom(alex, 'Secret', 'password');
    for (const room of rooms.toReversed()) await join(sam, room);
  });

  const idsOf = (list: Json[]) => list.map(({ room_id }) => room_id);

  test.each([1, 2, 5, 200])('come in pages of %s by id', async (limit) => {
    const pages = await pagesOf(sam, { path: '/api/rooms', entries: 'rooms' }, limit);
    expect(pages.flat()).toEqual(rooms.map(({ id, name }) => ({ room_id: id, name, joined: true })));
  });

  test.each([1, 2, 5, 200])('of a user come in pages of %s by id', async (limit) => {
    const pages = await pagesOf(sam, { path: '/api/user_rooms', entries: 'rooms' }, limit);
    expect(idsOf(pages.flat())).toEqual(rooms.map(({ id }) => id));
    const whole: Json[] = (await sam.get('/api/user_rooms')).body.rooms;
    expect(pages.flat()).toEqual(whole.toSorted((a, b) => a.room_id - b.room_id));
  });

  test('come whole without a limit: by name, and the one joined last first', async () => {
    const all = (await sam.get('/api/rooms')).body;
    expect([namesOf(all.rooms), all.next]).toEqual([['Beach', 'Zoo', 'alps', '\uffee', '😀'], undefined]);
    const own = (await sam.get('/api/user_rooms')).body;
    expect([namesOf(own.rooms), own.next]).toEqual([['Zoo', 'alps', 'Beach', '\uffee', '😀'], undefined]);
  });

  test('list their members in pages by seniority, private ones to members alone', async () => {
    const [{ id }] = rooms;
    const whole = (await kim.get(`/api/room_members/${id}`)).body;
    expect([whole.members, whole.next]).toEqual([['alex', 'sam'], undefined]);
    const pages = await pagesOf(kim, { path: `/api/room_members/${id}`, entries: 'members' }, 1);
    expect(pages).toEqual([['alex'], ['sam']]);
    const secret = idsOf((await alex.get('/api/user_rooms?limit=200')).body.rooms).at(-1);
    expect((await kim.get(`/api/room_members/${secret}?limit=1`)).status).toBe(403);
  });

  test('are doubled by nobody who renames one meanwhile', async () => {
    const rename = async () => {
      const uuid = rooms[0].chat;
      await alex.put(`/api/chats/${uuid}`, { name: `z ${Math.random()}` });
    };
    const pages = await pagesOf(sam, { path: '/api/rooms', entries: 'rooms' }, 1, rename);
    expect(idsOf(pages.flat())).toEqual(rooms.map(({ id }) => id));
    await alex.put(`/api/chats/${rooms[0].chat}`, { name: 'Zoo' });
  });
});

describe('a bad page is refused:', () => {
  const encode = (text: string) => Buffer.from(text).toString('base64url');
  const MALFORMED = "must be the 'next' of an earlier page";
  const TOGETHER = "must be given together with 'limit'";
  const SIZE = 'must be an integer from 1 to 200';

  const lists = () => ({
    '/api/chats': encode('1.2'),
    [`/api/chats/${crowd}/users`]: encode('1'),
    '/api/rooms': encode('1'),
    '/api/user_rooms': encode('1'),
    '/api/room_members/1': encode('1'),
  });

  test.each<[string, string, string]>([
    ['limit=0', 'limit', SIZE],
    ['limit=201', 'limit', SIZE],
    ['limit=', 'limit', SIZE],
    ['limit=1e2', 'limit', SIZE],
    ['limit=1&limit=2', 'limit', SIZE],
    ['limit=1&after=', 'after', MALFORMED],
    ['limit=1&after=x', 'after', MALFORMED],
    [`limit=1&after=${encode('1.2.3')}`, 'after', MALFORMED],
    [`limit=1&after=${encode('-1')}`, 'after', MALFORMED],
    [`limit=1&after=${encode('01.02')}`, 'after', MALFORMED],
    [`limit=1&after=${encode('1.9007199254740993')}`, 'after', MALFORMED],
    [`limit=1&after=${encode("1' OR 1=1")}`, 'after', MALFORMED],
    ['limit=1&after=MS4y%3D', 'after', MALFORMED],
    ['limit=1&after=MS4y&after=MS4y', 'after', MALFORMED],
  ])('%s', async (query, field, problem) => {
    for (const path of Object.keys(lists())) {
      const { status, body } = await kim.get(`${path}?${query}`);
      expect({ path, status, code: body.code, field: body.field }).toEqual({
        path,
        status: 400,
        code: 'invalid_field',
        field,
      });
      expect(body.reason ?? body.error).toBe(`query parameter '${field}' ${problem}`);
    }
  });

  test('a cursor without a limit, or of a list with other keys', async () => {
    for (const [path, cursor] of Object.entries(lists())) {
      const { status, body } = await kim.get(`${path}?after=${cursor}`);
      expect([path, status, body.reason ?? body.error]).toEqual([
        path,
        400,
        `query parameter 'after' ${TOGETHER}`,
      ]);
      expect(await kim.get(`${path}?limit=1&after=${cursor}`)).toMatchObject({ status: 200 });
    }
    const answer = await kim.get(`/api/chats?limit=1&after=${encode('1')}`);
    expect(answer).toEqual(errorAnswer(400, `query parameter 'after' ${MALFORMED}`));
  });

  test('the query of a chat comes after the membership', async () => {
    expect(await alex.get(`/api/chats/${crowd}/users?limit=0`)).toEqual(NOT_A_MEMBER);
  });
});
