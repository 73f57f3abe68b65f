import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { EventLoader } from '#src/live/event-loader.js';
import { FanOut } from '#src/live/fan-out.js';
import { FileServer, type Link } from '../support/file-server.js';
import { form } from '../support/forms.js';
import { claimsOf } from '../support/jwt.js';
import { under } from '../support/keyed.js';
import { followSse, LiveClient, TRANSPORTS } from '../support/live.js';
import { expectSuccess, type Json, type Member } from '../support/parley.js';
import { removalsDone } from '../support/removals.js';
import { createRoom, join, leave, type TestRoom } from '../support/rooms.js';
import { until } from '../support/until.js';

/** Alex owns the chat and the room, sam is a member, kim has left, rae and eve have never been in. */
const NAMES = ['alex', 'sam', 'kim', 'rae', 'eve'] as const;
type Name = (typeof NAMES)[number];

/** `type` and `data` of an event. */
type Told = [type: string, data: unknown];

interface Case {
  does: string;
  /** Runs before the events that count. */
  given?: () => Promise<unknown>;
  act: () => Promise<unknown>;
  /** Where it happens; the chat by default. */
  where?: () => string;
  /** What is told to whom, in this order. Whoever is missing is told nothing. */
  tells: () => Partial<Record<Name, Told[]>>;
  /** What is told instead to those who resume afterwards. */
  replays?: () => Partial<Record<Name, Told[]>>;
}

const people = {} as Record<Name, Member>;
const clients = {} as Record<Name, LiveClient>;
let files: FileServer;
/** All are in it. A message here shows that what happened before has been told. */
let markers: string;
let alex: Member;
let sam: Member;
let kim: Member;
let rae: Member;
let chat: string;
let room: TestRoom;
/** A chat that a case creates. */
let created: string;
let link: Link;
let count = 0;

beforeAll(async () => {
  files = await FileServer.start('disk');
  ({ alex, sam } = files);
  [kim, rae] = await Promise.all(['kim', 'rae'].map((name) => files.server.parley.signUp(name)));
  Object.assign(people, { alex, sam, kim, rae, eve: files.eve });
  markers = await alex.createChat([sam, kim, rae, files.eve]);
  for (const name of NAMES) clients[name] = await followSse(people[name]);
});

afterAll(async () => {
  for (const client of Object.values(clients)) client.close();
  await files.close();
});

/** Waits until the clients have been told everything. */
async function settle(): Promise<void> {
  const index = await alex.send(markers, 'marker');
  await Promise.all(
    Object.values(clients).map((client) =>
      client.waitFor(({ chat: uuid, data }) => uuid === markers && data.index === index),
    ),
  );
}

/** Waits until kim, who was a member, is told that this is over. */
async function removeKim(uuid: string, remove: () => Promise<unknown>): Promise<void> {
  const kimHears = (type: string) =>
    clients.kim.waitFor((event) => event.chat === uuid && event.type === type);
  await kimHears('chat.added');
  await remove();
  await kimHears('chat.removed');
}

async function openChat(): Promise<void> {
  chat = await alex.createChat([sam, kim], { name: 'Chat' });
  await removeKim(chat, () => update(kim, { mode: 'delete', user: 'kim' }));
}

async function openRoom(): Promise<void> {
  count += 1;
  room = await createRoom(alex, `Room ${count}`);
  await Promise.all([sam, kim].map((member) => join(member, room)));
  await removeKim(room.chat, () => leave(kim, room));
}

const update = async (member: Member, json: object) =>
  expectSuccess(await member.put(`/api/chats/${chat}`, json));
const add = ({ username }: Member) => update(alex, { mode: 'add', user: username });
const remove = ({ username }: Member, by = alex) => update(by, { mode: 'delete', user: username });
const say = (message: string) => alex.send(chat, message);
const messagePath = (index: number) => `/api/chats/${chat}/messages/${index}`;

const text = (index: number, message: string, sender = alex) => ({
  index,
  type: 'message',
  sender: sender.user,
  message,
  file: null,
  timestamp: expect.any(Number),
  edited: null,
});
const edited = (index: number, message: string) => ({
  ...text(index, message),
  edited: expect.any(Number),
});
const said = (index: number, message: string, sender = alex): Told => [
  'message.created',
  text(index, message, sender),
];
const fileMessage = (type: 'image' | 'file', filename: string | null, used: boolean, message = '') => ({
  ...text(1, message),
  type,
  file: expect.objectContaining({ uuid: link.uuid, filename, used }),
});
const added = (changes: object): Told => ['chat.added', expect.objectContaining(changes)];
const joined = ({ user }: Member): Told => ['member.added', { user }];
const gone = ({ user }: Member): Told => ['member.removed', { user }];
const removed = (reason: string): Told => ['chat.removed', { reason }];
const updated = (name: string, owner: string | null): Told => ['chat.updated', { name, owner }];

const inRoom = () => room.chat;

/** The chat has the message 0, the room has none. */
const CASES: Case[] = [
  {
    does: 'create a chat, whose message is not told by itself',
    act: async () => (created = await alex.createChat([sam], { name: 'New', message: 'hi' })),
    where: () => created,
    tells: () => {
      const same = { uuid: created, name: 'New', owner: 'alex', room_id: null, messages: [text(0, 'hi')] };
      return {
        alex: [added({ ...same, users: [alex.user, sam.user], read: 0, unread: 0 })],
        sam: [added({ ...same, users: [alex.user, sam.user], read: null, unread: 1 })],
      };
    },
  },
  {
    does: 'create a chat alone, and send there',
    act: async () => {
      created = await alex.createChat([]);
      await clients.alex.waitFor((event) => event.chat === created);
      await alex.send(created, 'two');
    },
    where: () => created,
    tells: () => ({ alex: [added({ owner: 'alex', users: [alex.user] }), said(1, 'two')] }),
  },
  {
    does: 'create a room',
    act: async () => ({ chat: created } = await createRoom(alex, `Another room`)),
    where: () => created,
    tells: () => ({
      alex: [
        added({
          name: `Another room`,
          room_id: expect.any(Number),
          messages: [],
          read: null,
          unread: 0,
          owner: 'alex',
        }),
      ],
    }),
  },
  {
    does: 'send a text, once under its key',
    act: async () => {
      for (let n = 0; n < 2; n += 1) {
        const json = { type: 'message', message: 'Grüße 🚢' };
        expectSuccess(await alex.post(`/api/chats/${chat}/messages`, json, under('once')));
      }
    },
    tells: () => ({ alex: [said(1, 'Grüße 🚢')], sam: [said(1, 'Grüße 🚢')] }),
  },
  {
    does: 'send to a room',
    act: () => sam.post('/api/send_room_message', { room_id: room.id, message: 'hello' }),
    where: inRoom,
    tells: () => ({ alex: [said(0, 'hello', sam)], sam: [said(0, 'hello', sam)] }),
  },
  {
    does: 'send an image',
    act: async () => (link = await files.send({ type: 'image', message: 'a ship' }, alex, chat)),
    tells: () => {
      const told: Told = ['message.created', fileMessage('image', expect.any(String), false, 'a ship')];
      return { alex: [told], sam: [told] };
    },
  },
  {
    does: 'send a file',
    act: async () => (link = await files.send({ type: 'file', filename: 'Übersicht 🚢.pdf' }, alex, chat)),
    tells: () => {
      const told: Told = ['message.created', fileMessage('file', 'Übersicht 🚢.pdf', false)];
      return { alex: [told], sam: [told] };
    },
  },
  {
    does: 'upload',
    given: async () => (link = await files.send({ type: 'file', filename: 'Übersicht.pdf' }, alex, chat)),
    act: async () => expectSuccess(await files.upload(link, form({ content: 'bytes' }))),
    tells: () => {
      const told: Told = ['message.updated', fileMessage('file', 'Übersicht.pdf', true)];
      return { alex: [told], sam: [told] };
    },
  },
  {
    does: 'edit',
    act: async () => expectSuccess(await alex.put(messagePath(0), { message: 'other' })),
    tells: () => {
      const told: Told = ['message.updated', edited(0, 'other')];
      return { alex: [told], sam: [told] };
    },
  },
  {
    does: 'send and edit, which is replayed in its present state',
    act: async () => {
      const index = await say('draft');
      await clients.sam.waitFor((event) => event.chat === chat && event.data.index === index);
      await alex.put(messagePath(index), { message: 'final' });
    },
    tells: () => {
      const told: Told[] = [said(1, 'draft'), ['message.updated', edited(1, 'final')]];
      return { alex: told, sam: told };
    },
    replays: () => {
      const told: Told[] = [
        ['message.created', edited(1, 'final')],
        ['message.updated', edited(1, 'final')],
      ];
      return { alex: told, sam: told };
    },
  },
  {
    does: 'delete a message',
    act: async () => expectSuccess(await alex.delete(messagePath(0))),
    tells: () => {
      const told: Told = ['message.deleted', { index: 0 }];
      return { alex: [told], sam: [told] };
    },
  },
  {
    does: 'send and delete, of which no text is replayed',
    act: async () => {
      const index = await say('slip');
      await clients.sam.waitFor((event) => event.chat === chat && event.data.index === index);
      await alex.delete(messagePath(index));
    },
    tells: () => {
      const told: Told[] = [said(1, 'slip'), ['message.deleted', { index: 1 }]];
      return { alex: told, sam: told };
    },
    replays: () => {
      const told: Told[] = [['message.deleted', { index: 1 }]];
      return { alex: told, sam: told };
    },
  },
  {
    does: 'rename, also by who is no owner',
    act: () => update(sam, { name: 'Renamed' }),
    tells: () => ({ alex: [updated('Renamed', 'alex')], sam: [updated('Renamed', 'alex')] }),
  },
  {
    does: 'rename and add at once',
    act: () => update(alex, { name: 'Renamed', mode: 'add', user: 'rae' }),
    tells: () => ({
      alex: [updated('Renamed', 'alex'), joined(rae)],
      sam: [updated('Renamed', 'alex'), joined(rae)],
      rae: [added({ name: 'Renamed' })],
    }),
  },
  {
    does: 'add a user, who is told nothing from before',
    act: async () => {
      await say('before');
      await add(rae);
      await clients.rae.waitFor((event) => event.chat === chat);
      await say('after');
    },
    tells: () => {
      const members: Told[] = [said(1, 'before'), joined(rae), said(2, 'after')];
      const users = [alex.user, sam.user, rae.user];
      return {
        alex: members,
        sam: members,
        rae: [added({ users, messages: [text(1, 'before')], read: 1, unread: 0 }), said(2, 'after')],
      };
    },
    replays: () => {
      const members: Told[] = [said(1, 'before'), joined(rae), said(2, 'after')];
      const present = added({ messages: [text(2, 'after')], read: 1, unread: 1 });
      return { alex: members, sam: members, rae: [present, said(2, 'after')] };
    },
  },
  {
    does: 'add a former member again',
    act: async () => {
      await say('away');
      await add(kim);
      await say('back');
    },
    tells: () => {
      const members: Told[] = [said(1, 'away'), joined(kim), said(2, 'back')];
      return { alex: members, sam: members, kim: [added({ uuid: chat }), said(2, 'back')] };
    },
  },
  {
    does: 'remove a member, who is told nothing after',
    act: async () => {
      await say('before');
      await remove(sam);
      await say('after');
    },
    tells: () => ({
      alex: [said(1, 'before'), gone(sam), said(2, 'after')],
      sam: [said(1, 'before'), removed('removed')],
    }),
    replays: () => ({
      alex: [said(1, 'before'), gone(sam), said(2, 'after')],
      sam: [removed('removed')],
    }),
  },
  {
    does: 'remove a member and add them again',
    act: async () => {
      await remove(sam);
      await say('away');
      await add(sam);
      await say('back');
    },
    tells: () => ({
      alex: [gone(sam), said(1, 'away'), joined(sam), said(2, 'back')],
      sam: [removed('removed'), added({ uuid: chat }), said(2, 'back')],
    }),
  },
  {
    does: 'leave',
    act: () => remove(sam, sam),
    tells: () => ({ alex: [gone(sam)], sam: [removed('left')] }),
  },
  {
    does: 'leave as the owner',
    act: () => remove(alex),
    tells: () => ({ alex: [removed('left')], sam: [gone(alex), updated('Chat', 'sam')] }),
  },
  {
    does: 'leave as the last member',
    given: () => remove(sam, sam),
    act: () => remove(alex),
    tells: () => ({ alex: [removed('left')] }),
  },
  {
    does: 'delete a chat, also for its owner',
    act: async () => expectSuccess(await alex.delete(`/api/chats/${chat}`)),
    tells: () => ({ alex: [removed('deleted')], sam: [removed('deleted')] }),
  },
  {
    does: 'join a room',
    act: () => join(rae, room),
    where: inRoom,
    tells: () => ({
      alex: [joined(rae)],
      sam: [joined(rae)],
      rae: [added({ name: room.name, room_id: room.id, owner: 'alex' })],
    }),
  },
  {
    does: 'join a room again, which is not told',
    act: async () => {
      await join(sam, room);
      await alex.send(room.chat, 'next');
    },
    where: inRoom,
    tells: () => ({ alex: [said(0, 'next')], sam: [said(0, 'next')] }),
  },
  {
    does: 'leave a room',
    act: () => leave(sam, room),
    where: inRoom,
    tells: () => ({ alex: [gone(sam)], sam: [removed('left')] }),
  },
  {
    does: 'leave a room as the owner',
    act: () => leave(alex, room),
    where: inRoom,
    tells: () => ({ alex: [removed('left')], sam: [gone(alex), updated(room.name, 'sam')] }),
  },
  {
    does: 'leave a room as the last member',
    given: () => leave(sam, room),
    act: () => leave(alex, room),
    where: inRoom,
    tells: () => ({ alex: [removed('left')] }),
  },
  {
    does: 'join a room without an owner',
    given: async () => {
      for (const member of [sam, alex]) await leave(member, room);
    },
    act: () => join(rae, room),
    where: inRoom,
    tells: () => ({ rae: [added({ owner: 'rae', users: [rae.user] }), updated(room.name, 'rae')] }),
  },
  {
    does: 'remove a member of a room',
    act: () => alex.put(`/api/chats/${room.chat}`, { mode: 'delete', user: 'sam' }),
    where: inRoom,
    tells: () => ({ alex: [gone(sam)], sam: [removed('removed')] }),
  },
  {
    does: 'mark as read, which the reader alone is told',
    act: async () => expectSuccess(await sam.put(`/api/chats/${chat}/read`, { index: 0 })),
    tells: () => ({ sam: [['chat.read', { index: 0, unread: 0 }]] }),
  },
  {
    does: 'mark as read what is read, which is not told',
    act: async () => {
      expectSuccess(await alex.put(`/api/chats/${chat}/read`, { index: 0 }));
      await say('next');
    },
    tells: () => ({ alex: [said(1, 'next')], sam: [said(1, 'next')] }),
  },
  {
    does: 'type, which the others are told once in 2 s',
    act: async () => {
      for (let n = 0; n < 3; n += 1) expectSuccess(await alex.post(`/api/chats/${chat}/typing`));
      await clients.sam.waitFor((event) => event.chat === chat && event.type === 'typing');
      await say('next');
    },
    tells: () => ({
      alex: [said(1, 'next')],
      sam: [['typing', { username: 'alex' }], said(1, 'next')],
    }),
    replays: () => ({ alex: [said(1, 'next')], sam: [said(1, 'next')] }),
  },
  {
    does: 'be refused',
    act: async () => {
      const refused = await Promise.all([
        sam.put(messagePath(0), { message: 'x' }),
        sam.delete(`/api/chats/${chat}`),
        rae.post(`/api/chats/${chat}/typing`),
        kim.post(`/api/chats/${chat}/messages`, { type: 'message', message: 'x' }),
        sam.put(`/api/chats/${chat}/read`, { index: 7 }),
      ]);
      expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 400]);
      await say('next');
    },
    tells: () => ({ alex: [said(1, 'next')], sam: [said(1, 'next')] }),
  },
];

const toldIn = (events: Json[], uuid: string): Told[] =>
  events.filter((event) => event.chat === uuid).map(({ type, data }) => [type, data]);

/** Returns what a client is told that resumes from an id. */
async function replay(member: Member, since: string): Promise<Json[]> {
  const path = `/api/events?since=${encodeURIComponent(since)}`;
  const { events, recovered } = expectSuccess(await member.get(path)).data;
  expect(recovered).toBe(true);
  for (const event of events) member.parley.checkSchema('Event', event);
  return events;
}

/** Returns for each person where to resume: from the present, and from the last event of the chat. */
async function idsNow(uuid: string | undefined): Promise<Record<Name, string[]>> {
  const ids = NAMES.map(async (name) => {
    const { id } = expectSuccess(await people[name].get('/api/events')).data;
    const last = clients[name].events.findLast((event) => event.chat === uuid && event.id);
    return [name, last ? [id, last.id] : [id]];
  });
  return Object.fromEntries(await Promise.all(ids));
}

describe('members are told, and nobody else, live and when they resume, that users', () => {
  test.each(CASES)('$does', async ({ given, act, where = () => chat, tells, replays }) => {
    await (where === inRoom ? openRoom() : openChat());
    await given?.();
    await settle();
    created = '';
    const ids = await idsNow(where());
    const start = Object.fromEntries(NAMES.map((name) => [name, clients[name].events.length]));
    const newEvents = (name: Name) => clients[name].events.slice(start[name]);

    await act();
    const expected = tells();
    await Promise.all(
      NAMES.map((name) =>
        until(`what ${name} is told`, () =>
          toldIn(newEvents(name), where()).length >= (expected[name] ?? []).length ? true : undefined,
        ),
      ),
    );
    await settle();
    for (const name of NAMES) {
      expect(toldIn(newEvents(name), where()), name).toEqual(expected[name] ?? []);
      const others = newEvents(name).filter((event) => ![where(), markers].includes(event.chat));
      expect(others, name).toEqual([]);
      for (const event of newEvents(name)) {
        const keys = event.type === 'typing' ? ['type', 'chat', 'data'] : ['id', 'type', 'chat', 'data'];
        expect(Object.keys(event)).toEqual(keys);
      }
    }

    const replayed = replays?.() ?? expected;
    const resumed = NAMES.flatMap((name) =>
      ids[name].map(async (id) => ({ name, id, events: await replay(people[name], id) })),
    );
    for (const { name, id, events } of await Promise.all(resumed)) {
      expect(toldIn(events, where()), `${name} from ${id}`).toEqual(replayed[name] ?? []);
    }
  });

  test('are erased, with what they sent', async () => {
    await Promise.all([openChat(), openRoom()]);
    const ann = await files.server.parley.signUp('ann');
    await add(ann);
    await join(ann, room);
    const own = await ann.createChat([sam]);
    await ann.createChat([]);
    for (const uuid of [chat, room.chat, own]) await ann.send(uuid, 'forget me');
    await leave(ann, room);
    const streams = await Promise.all(TRANSPORTS.map(([, follow]) => follow(ann)));
    await clients.sam.waitFor((event) => event.chat === room.chat && event.data.user?.username === 'ann');
    await settle();
    const ids = await idsNow(undefined);
    const start = Object.fromEntries(NAMES.map((name) => [name, clients[name].events.length]));

    expectSuccess(await ann.delete('/api/users/ann'));
    const endings = await Promise.all(streams.map((stream) => stream.waitForEnd()));
    expect(endings).toEqual([{ code: 'token_invalid' }, { code: 4401 }, { code: 'token_invalid' }]);
    await removalsDone(files.server);
    const limited: Told = ['chat.limited', {}];
    await Promise.all(
      [chat, room.chat, own].map((uuid) =>
        clients.sam.waitFor((event) => event.chat === uuid && event.type === 'chat.limited'),
      ),
    );
    await settle();

    const expected: Record<string, Record<string, Told[]>> = {
      alex: { [chat]: [gone(ann), limited], [room.chat]: [limited], [own]: [] },
      sam: {
        [chat]: [gone(ann), limited],
        [room.chat]: [limited],
        [own]: [gone(ann), updated('Chat', 'sam'), limited],
      },
      kim: {},
      rae: {},
      eve: {},
    };
    for (const name of NAMES) {
      const live = clients[name].events.slice(start[name]);
      const again = await replay(people[name], ids[name][0]);
      for (const events of [live, again]) {
        const others = events.filter((event) => event.chat !== markers && !expected[name][event.chat]);
        expect(others, name).toEqual([]);
        for (const [uuid, told] of Object.entries(expected[name])) {
          expect(toldIn(events, uuid), name).toEqual(told);
        }
      }
    }
  });

  test('change their names only with the next message', async () => {
    await openChat();
    const bob = await files.server.parley.signUp('bob');
    await add(bob);
    expectSuccess(await bob.put('/api/users/bob', { name: 'Robert' }));
    await bob.send(chat, 'hello');
    const { data } = await clients.sam.waitFor((event) => event.chat === chat && event.data.index === 1);
    expect(data.sender).toEqual({ username: 'bob', name: 'Robert' });
    expect(clients.sam.types(chat).slice(-2)).toEqual(['member.added', 'message.created']);
  });
});

describe('who is added is told so', () => {
  test('to a chat whose members do not follow', async () => {
    const ann = await files.server.parley.signUp('silent-ann');
    chat = await ann.createChat([rae]);
    const raeHears = (type: string) =>
      clients.rae.waitFor((event) => event.chat === chat && event.type === type);
    await raeHears('chat.added');
    await remove(rae, ann);
    await raeHears('chat.removed');
    await update(ann, { mode: 'add', user: 'rae' });
    await ann.send(chat, 'hello');
    await raeHears('message.created');
    expect(clients.rae.types(chat)).toEqual(['chat.added', 'chat.removed', 'chat.added', 'message.created']);
  });
});

/** Waits until a poll of the user follows what happens, besides the stream. */
async function untilPolled({ token }: Member): Promise<void> {
  const followers = Reflect.get(files.server.app.get(FanOut), 'followers') as Map<number, Set<object>>;
  const userId = Number(claimsOf(token).sub);
  await until('the poll to wait', () => (followers.get(userId)?.size === 2 ? true : undefined));
}

/** Holds what followers are told until the returned function is called: what happens meanwhile is told together. */
function holdDelivery(): () => void {
  const loader = files.server.app.get(EventLoader);
  const load = loader.load.bind(loader);
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const spy = vi.spyOn(loader, 'load').mockImplementation(async (...args) => {
    await held;
    return load(...args);
  });
  return () => {
    spy.mockRestore();
    release();
  };
}

/** Waits until what has happened is read to be delivered, while {@link holdDelivery} holds it. */
async function untilDelivering(): Promise<void> {
  const loader = vi.mocked<EventLoader>(files.server.app.get(EventLoader));
  await until('the delivery to begin', () => loader.load.mock.calls.length || undefined);
}

describe('what is told together is told as if it were told one by one:', () => {
  beforeEach(openChat);

  test('who is added and removed is told nothing after', async () => {
    const release = holdDelivery();
    await say('one');
    await add(rae);
    await remove(rae);
    release();
    await clients.sam.waitFor(
      (event) => event.chat === chat && event.type === 'member.removed' && event.data.user.username === 'rae',
    );
    await say('secret');
    await settle();
    expect(toldIn(clients.rae.events, chat).at(-1)).toEqual(removed('removed'));
  });

  test('a poll that knows of it waits for more', async () => {
    const release = holdDelivery();
    await say('one');
    const { id } = expectSuccess(await sam.get('/api/events')).data;
    const path = `/api/events?wait=30&since=${id}`;
    const polled = sam.get(path);
    await untilPolled(sam);
    release();
    await clients.alex.waitFor((event) => event.chat === chat && event.data.message === 'one');
    await say('two');
    expect(toldIn(expectSuccess(await polled).data.events, chat)).toEqual([said(2, 'two')]);
  });

  test('who is removed after more changes than are told', async () => {
    await add(rae);
    const release = holdDelivery();
    for (let n = 0; n < 510; n += 1) await alex.put(messagePath(0), { message: `edit ${n}` });
    await remove(rae);
    release();
    await clients.rae.waitFor((event) => event.chat === chat && event.type === 'chat.removed');
    await say('secret');
    await settle();
    expect(toldIn(clients.rae.events, chat).at(-1)).toEqual(removed('removed'));
    expect(clients.sam.types(chat)).toContain('chat.limited');
  });

  test('who is removed gets no text that is edited afterwards', async () => {
    const release = holdDelivery();
    await say('draft');
    await untilDelivering();
    await remove(sam);
    await alex.put(messagePath(1), { message: 'secret' });
    release();
    await clients.sam.waitFor((event) => event.chat === chat && event.type === 'chat.removed');
    await settle();
    const told = clients.sam.events.filter((event) => event.chat === chat);
    expect(JSON.stringify(told)).not.toContain('secret');
  });

  test('who is removed and added again', async () => {
    const release = holdDelivery();
    await say('one');
    await untilDelivering();
    await remove(sam);
    await say('away');
    await add(sam);
    await say('back');
    release();
    await clients.alex.waitFor((event) => event.chat === chat && event.data.message === 'back');
    await settle();
    const told = toldIn(clients.sam.events, chat).slice(2);
    expect(told).toEqual([removed('removed'), added({ uuid: chat }), said(3, 'back')]);
  });

  test('a chat that is created and deleted', async () => {
    const release = holdDelivery();
    await say('one');
    created = await alex.createChat([sam]);
    expectSuccess(await alex.delete(`/api/chats/${created}`));
    release();
    await settle();
    const told = toldIn(clients.sam.events, created).map(([type]) => type);
    expect([[], ['chat.removed'], ['chat.added', 'chat.removed']]).toContainEqual(told);
  });

  test('messages that are edited and deleted meanwhile', async () => {
    const release = holdDelivery();
    for (const message of ['one', 'two', 'three']) await say(message);
    await alex.put(messagePath(1), { message: 'edited' });
    await alex.delete(messagePath(2));
    release();
    await clients.sam.waitFor((event) => event.chat === chat && event.type === 'message.deleted');
    expect(toldIn(clients.sam.events, chat).slice(2)).toEqual([
      ['message.created', edited(1, 'edited')],
      said(3, 'three'),
      ['message.updated', edited(1, 'edited')],
      ['message.deleted', { index: 2 }],
    ]);
  });
});

describe('the whole story is told again', () => {
  test.each(TRANSPORTS)('over %s, as by a poll', async (_, follow) => {
    await Promise.all([openChat(), openRoom()]);
    await settle();
    const { id: since } = expectSuccess(await sam.get('/api/events')).data;
    for (let n = 0; n < 20; n += 1) await (n % 2 ? alex : sam).send(n % 3 ? chat : room.chat, `text ${n}`);
    await alex.delete(messagePath(1));
    await sam.put(`/api/chats/${chat}/read`, { index: 1 });
    await update(alex, { name: 'Renamed' });
    await leave(sam, room);
    const polled = await replay(sam, since);
    const again = await follow(sam, since);
    expect(again.recovered).toBe(true);
    await until('the end of the story', () => again.events.length >= polled.length || undefined);
    for (const uuid of [chat, room.chat]) {
      expect(toldIn(again.events, uuid)).toEqual(toldIn(polled, uuid));
    }
    expect(again.types(chat)).toContain('chat.updated');
    expect(again.types(room.chat)).toEqual(['chat.removed']);
    again.close();
  });
});
