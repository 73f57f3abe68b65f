import { afterAll, beforeAll, expect, test } from 'vitest';
import { form } from '../support/forms.js';
import {
  type Answer,
  expectSuccess,
  type Json,
  type Member,
  type RequestOptions,
} from '../support/parley.js';
import { createRoom, join, type TestRoom } from '../support/rooms.js';
import { startServer, type TestServer } from '../support/server.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Stands in everything that outsiders must not see. */
const SECRET = 'confidential';

/** What alex, the owner, made. Bo and di are members, cy is not. Message 0 is alex's; `file` is uploaded, `link` is open. */
interface World {
  alex: Member;
  bo: Member;
  cy: Member;
  di: Member;
  chat: string;
  file: string;
  link: string;
  room: TestRoom;
}

let server: TestServer;
let documented: Record<string, { method: string; path: string }>;
let worlds = 0;

beforeAll(async () => {
  server = await startServer();
  const { paths } = (await server.parley.get('/api/docs-json')).body;
  documented = Object.fromEntries(
    Object.entries<Json>(paths).flatMap(([path, operations]) =>
      Object.entries<Json>(operations).map(([method, { operationId }]) => [
        operationId,
        { method: method.toUpperCase(), path },
      ]),
    ),
  );
});

afterAll(() => server.close());

async function makeWorld(): Promise<World> {
  const n = (worlds += 1);
  const names = ['alex', 'bo', 'cy', 'di'].map((name) => `${name}${n}`);
  const [alex, bo, cy, di] = await Promise.all(names.map((name) => server.parley.signUp(name)));
  const chat = await alex.createChat([bo, di], { name: SECRET, message: SECRET });
  const newFile = async () =>
    expectSuccess(await alex.post(`/api/chats/${chat}/messages`, { type: 'file', filename: SECRET })).data
      .uuid;
  const [file, link] = [await newFile(), await newFile()];
  expectSuccess(await alex.post(`/api/files/${file}`, undefined, form({ content: SECRET })));
  const room = await createRoom(alex, `${SECRET} ${n}`, 'password');
  for (const member of [bo, di]) await join(member, room, 'password');
  await alex.post('/api/send_room_message', { room_id: room.id, message: SECRET });
  return { alex, bo, cy, di, chat, file, link, room };
}

type Outcome = 'ok' | 'not_allowed' | 'not_a_member' | 'password_required';
type Request = Pick<RequestOptions, 'json' | 'raw' | 'headers'> & { query?: string };

/** Calls by their operation: what they send, and what the owner, another member, and an outsider get. */
const CALLS: [string, Outcome, Outcome, Outcome, ((world: World) => Request)?][] = [
  ['searchUsers', 'ok', 'ok', 'ok', () => ({ query: '?username=alex' })],
  ['getUser', 'ok', 'ok', 'ok'],
  ['updateUser', 'ok', 'not_allowed', 'not_allowed', () => ({ json: { name: 'Mallory' } })],
  ['deleteUser', 'ok', 'not_allowed', 'not_allowed'],
  ['listChats', 'ok', 'ok', 'ok'],
  [
    'createChat',
    'ok',
    'ok',
    'ok',
    ({ alex }) => ({ json: { name: 'a', users: [alex.username], message: 'b' } }),
  ],
  ['getChat', 'ok', 'ok', 'not_a_member'],
  ['updateChat', 'ok', 'ok', 'not_a_member', () => ({ json: { name: 'other' } })],
  ['updateChat', 'ok', 'ok', 'not_a_member', ({ cy }) => ({ json: { mode: 'add', user: cy.username } })],
  [
    'updateChat',
    'ok',
    'not_allowed',
    'not_a_member',
    ({ di }) => ({ json: { mode: 'delete', user: di.username } }),
  ],
  ['deleteChat', 'ok', 'not_allowed', 'not_a_member'],
  ['listChatUsers', 'ok', 'ok', 'not_a_member'],
  ['markRead', 'ok', 'ok', 'not_a_member', () => ({ json: { index: 0 } })],
  ['listMessages', 'ok', 'ok', 'not_a_member'],
  ['sendMessage', 'ok', 'ok', 'not_a_member', () => ({ json: { type: 'message', message: 'text' } })],
  ['getMessage', 'ok', 'ok', 'not_a_member'],
  ['editMessage', 'ok', 'not_allowed', 'not_a_member', () => ({ json: { message: 'text' } })],
  ['deleteMessage', 'ok', 'not_allowed', 'not_a_member'],
  ['uploadFile', 'ok', 'not_allowed', 'not_a_member', () => form({ content: 'bytes' })],
  ['downloadFile', 'ok', 'ok', 'not_a_member'],
  ['createRoom', 'ok', 'ok', 'ok', ({ bo }) => ({ json: { room_name: `new room ${bo.username}` } })],
  ['joinRoom', 'password_required', 'password_required', 'password_required', toRoom({})],
  ['leaveRoom', 'ok', 'ok', 'not_a_member', toRoom({})],
  ['listRooms', 'ok', 'ok', 'ok'],
  ['listMyRooms', 'ok', 'ok', 'ok'],
  ['listRoomMembers', 'ok', 'ok', 'not_a_member'],
  ['sendRoomMessage', 'ok', 'ok', 'not_a_member', toRoom({ message: 'text' })],
  ['listRoomMessages', 'ok', 'ok', 'not_a_member', ({ room }) => ({ query: `?room_id=${room.id}` })],
  ['followEvents', 'ok', 'ok', 'ok'],
  ['tellTyping', 'ok', 'ok', 'not_a_member'],
  ['logout', 'ok', 'ok', 'ok'],
];

/** Calls in which nobody is logged in. */
const PUBLIC = [
  'login',
  'forgotPassword',
  'resendVerification',
  'resetPassword',
  'verifyEmail',
  'createUser',
  'getLiveness',
  'getReadiness',
];

function toRoom(fields: object) {
  return ({ room }: World) => ({ json: { room_id: room.id, name: room.name, ...fields } });
}

/** Fills a path with what alex made. */
function pathTo(path: string, { alex, chat, link, file, room }: World, method: string): string {
  const values: Record<string, string> = {
    user: alex.username,
    chat,
    message: '0',
    file: method === 'GET' || method === 'HEAD' ? file : link,
    room_id: String(room.id),
  };
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name]);
}

/** Returns everything that alex sees of what she made; it must not change by a refused call. */
async function stateOf({ alex, chat, file, room }: World) {
  const paths = [
    `/api/users/${alex.username}`,
    `/api/chats/${chat}`,
    `/api/chats/${chat}/messages`,
    `/api/files/${file}`,
    `/api/room_members/${room.id}`,
    `/api/get_room_messages?room_id=${room.id}`,
  ];
  const answers = await Promise.all(paths.map((path) => alex.get(path)));
  for (const { status } of answers) expect(status).toBe(200);
  return answers.map(({ body }) => body);
}

const outcomeOf = ({ status, body }: Answer) => (status < 300 ? 'ok' : body.code);

test('every call of the document is tested', () => {
  const tested = [...CALLS.map(([operation]) => operation), ...PUBLIC];
  expect([...new Set(tested)].toSorted()).toEqual(Object.keys(documented).toSorted());
});

test.each(CALLS)(
  '%s: the owner gets %s, another member %s, an outsider %s',
  async (operation, toOwner, toMember, toOutsider, request = () => ({})) => {
    const { method, path } = documented[operation];
    const expected = { alex: toOwner, bo: toMember, cy: toOutsider };
    for (const [caller, outcome] of Object.entries(expected) as ['alex' | 'bo' | 'cy', Outcome][]) {
      const world = await makeWorld();
      const before = await stateOf(world);
      const { query = '', ...body } = request(world);
      const { token } = world[caller];
      const url = pathTo(path, world, method) + query;
      const answer = await server.parley.request(method, url, { token, ...body });
      expect(outcomeOf(answer), caller).toBe(outcome);
      if (caller === 'cy') expect(JSON.stringify(answer.body)).not.toContain(SECRET);
      if (outcome !== 'ok') expect(await stateOf(world)).toEqual(before);
    }
  },
);

test('no method of any path shows an outsider anything, or changes it', async () => {
  const world = await makeWorld();
  const before = await stateOf(world);
  const paths = [...new Set(Object.values(documented).map(({ path }) => path))].filter(
    (path) => path !== '/api/auth/logout',
  );
  for (const path of paths) {
    for (const method of METHODS) {
      const url = pathTo(path, world, method);
      // A body would make GET and HEAD invalid for the client.
      const json = method === 'GET' || method === 'HEAD' ? undefined : {};
      const { status, body } = await server.parley.request(method, url, { token: world.cy.token, json });
      expect(status, `${method} ${path}`).toBeLessThan(500);
      expect(JSON.stringify(body), `${method} ${path}`).not.toContain(SECRET);
    }
  }
  expect(await stateOf(world)).toEqual(before);
});

test('a method named by a header or a parameter does not replace the real one', async () => {
  const world = await makeWorld();
  const before = await stateOf(world);
  for (const name of ['x-http-method-override', 'x-method-override', 'x-http-method']) {
    const headers = { [name]: 'DELETE' };
    await world.alex.get(`/api/chats/${world.chat}?_method=DELETE`, { headers });
    await world.alex.post(`/api/chats/${world.chat}?_method=DELETE`, { _method: 'DELETE' }, { headers });
  }
  expect(await stateOf(world)).toEqual(before);
});
