import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Reader } from '#src/database/unit-of-work.js';
import type { Origin } from '#src/http/origin.js';
import { Membership } from '#src/membership/membership.service.js';
import { MessagesService } from '#src/messages/messages.service.js';
import { PasswordHasher } from '#src/passwords/password-hasher.js';
import { Removals } from '#src/removals/removals.service.js';
import { RoomsService } from '#src/rooms/rooms.service.js';
import { FileServer } from '../support/file-server.js';
import { Filler } from '../support/fill.js';
import { form } from '../support/forms.js';
import { findViolations } from '../support/invariants.js';
import { under } from '../support/keyed.js';
import { expectSuccess, type Json, type Member } from '../support/parley.js';
import { holdRemovals, removalsDone } from '../support/removals.js';
import { createRoom, join, outcome } from '../support/rooms.js';
import type { TestServer } from '../support/server.js';
import { skipTo } from '../support/skip-to.js';
import { until } from '../support/until.js';

const NO_CHAT = '00000000-0000-4000-8000-000000000000';

let files: FileServer;
let server: TestServer;
let filler: Filler;
let count = 0;

beforeAll(async () => {
  files = await FileServer.start('disk');
  server = files.server;
  filler = new Filler(server);
});

afterEach(async () => {
  vi.restoreAllMocks();
  expect(await findViolations(server)).toEqual({});
});

afterAll(() => files.close());

/** Signs up users whose names begin with the given ones. */
function signUp(...names: string[]): Promise<Member[]> {
  count += 1;
  return Promise.all(names.map((name) => server.parley.signUp(`${name}.${count}`)));
}

const idOf = (chat: string) => filler.idOf('chats', 'uuid', chat);
const userIdOf = ({ username }: Member) => filler.idOf('users', 'username', username);

async function rowsOf(table: string, column: string, id: number): Promise<number> {
  const sql = `SELECT COUNT(*) AS found FROM ${table} WHERE ${column} = ?`;
  const [{ found }] = await server.app.get(Reader).query<{ found: number }>(sql, [id]);
  return found;
}

async function sendFile(sender: Member, chat: string, content: string) {
  const link = await files.send({ type: 'file', filename: 'notes.txt' }, sender, chat);
  expectSuccess(await files.upload(link, form({ content }), sender));
  return link;
}

describe('a deleted chat', () => {
  test('is to every route, at once and afterwards, a chat that does not exist', async () => {
    const [owner, guest] = await signUp('owner', 'guest');
    const room = await createRoom(owner, `Doomed ${count}`);
    await join(guest, room);
    const { chat } = room;
    await owner.send(chat, 'hello');
    const sent = await sendFile(guest, chat, 'bytes');
    const open = await files.send({ type: 'file', filename: 'open.txt' }, guest, chat);
    const message = { type: 'message', message: 'once' };
    expectSuccess(await guest.post(`/api/chats/${chat}/messages`, message, under('key')));
    const id = await idOf(chat);

    /** Asks every route that takes a chat or a room about this one. */
    const ask = async (uuid: string, roomId: number) => {
      const path = `/api/chats/${uuid}`;
      const room_id = roomId;
      const answers = [
        await guest.get(path),
        await guest.get(`${path}/users`),
        await guest.get(`${path}/messages`),
        await guest.get(`${path}/messages?before=5`),
        await guest.get(`${path}/messages/0`),
        await guest.put(path, { name: 'x' }),
        await owner.delete(path),
        await guest.put(`${path}/messages/0`, { message: 'x' }),
        await owner.delete(`${path}/messages/0`),
        await guest.post(`${path}/messages`, message),
        await guest.post(`${path}/messages`, message, under('key')),
        await guest.get(`/api/room_members/${room_id}`),
        await guest.get(`/api/get_room_messages?room_id=${room_id}`),
        await guest.post('/api/send_room_message', { room_id, message: 'x' }),
        await guest.post('/api/leave_room', { room_id }),
      ];
      return answers.map(outcome);
    };
    const expectHidden = async () => {
      expect(await ask(chat, room.id)).toEqual(await ask(NO_CHAT, 2_000_000));
      expect(outcome(await join(guest, room))).toEqual(outcome(await join(guest, { name: 'No such room' })));
      for (const member of [owner, guest]) {
        for (const page of ['', '?limit=5']) {
          expect((await member.get(`/api/chats${page}`)).body.data).toEqual([]);
          expect((await member.get(`/api/user_rooms${page}`)).body.rooms).toEqual([]);
          const { rooms } = (await member.get(`/api/rooms${page}`)).body;
          expect(rooms.map(({ room_id }: Json) => room_id)).not.toContain(room.id);
        }
      }
      for (const link of [sent, open]) {
        expect((await guest.get(`/api/files/${link.uuid}`)).body.code).toBe('file_not_found');
        const answer = await files.upload(link, form({ content: 'more' }), guest);
        expect(answer.body.code).toBe('file_not_found');
      }
    };

    const remove = holdRemovals(server);
    expectSuccess(await owner.delete(`/api/chats/${chat}`));
    await expectHidden();
    expect(await rowsOf('messages', 'chat_id', id)).toBe(4);
    expect(await rowsOf('members', 'chat_id', id)).toBe(2);

    await remove();
    await expectHidden();
    for (const table of ['messages', 'sender_blocks']) {
      expect(await rowsOf(table, 'chat_id', id)).toBe(0);
    }
    await until('the bytes to be removed', async () => (await files.stored(sent)).length === 0 || undefined);
  });

  test('frees the name of its room at once', async () => {
    const [owner] = await signUp('founder');
    const room = await createRoom(owner, `Again ${count}`);
    const remove = holdRemovals(server);
    expectSuccess(await owner.delete(`/api/chats/${room.chat}`));
    const next = await createRoom(owner, room.name);
    expect(next.id).not.toBe(room.id);
    await remove();
    expect((await owner.get('/api/user_rooms')).body.rooms).toMatchObject([{ room_id: next.id }]);
  });

  test('goes with its last member, and keeps nobody from being erased', async () => {
    const [owner, last] = await signUp('first', 'last');
    const chats = [await owner.createChat([last]), await last.createChat([])];
    const remove = holdRemovals(server);
    expectSuccess(await owner.delete(`/api/chats/${chats[0]}`));
    expectSuccess(await last.put(`/api/chats/${chats[1]}`, { mode: 'delete', user: last.username }));
    expect((await last.get(`/api/chats/${chats[1]}`)).body.code).toBe('chat_not_found');
    expectSuccess(await last.delete(`/api/users/${last.username}`));
    await remove();
  });
});

describe('an erased user', () => {
  /** Returns what a member sees of a chat, by each way to read messages. */
  async function seenBy(member: Member, chat: string) {
    const path = `/api/chats/${chat}/messages`;
    const { next_seq: end } = (
      await filler.query<Json>('SELECT next_seq FROM chats WHERE uuid = ?', [chat])
    )[0];
    const queries = [
      '',
      '?order=desc',
      '?per_page=3',
      '?per_page=3&order=desc',
      '?page=1&per_page=3',
      '?page=1&per_page=4&order=desc',
      '?page=2&per_page=5',
      '?page=3&per_page=5',
      '?page=500',
      '?before=1',
      '?after=0&per_page=2',
      ...[1_023, 1_024, 4_000, 4_096, end - 1, end].flatMap((index) =>
        ['asc', 'desc'].flatMap((order) => [
          `?before=${index}&per_page=4&order=${order}`,
          `?after=${index}&per_page=4&order=${order}`,
        ]),
      ),
      '?before=9007199254740991&per_page=1',
      '?after=9007199254740991',
    ];
    const seen: Record<string, Json> = {};
    for (const query of queries) seen[query] = outcome(await member.get(path + query));
    for (const index of [0, 1, 2, 3, 1_024, end - 1])
      seen[index] = outcome(await member.get(`${path}/${index}`));
    for (const list of [
      `/api/chats/${chat}`,
      '/api/chats',
      '/api/chats?limit=5',
      `/api/chats/${chat}/users`,
    ]) {
      seen[list] = outcome(await member.get(list));
    }
    return seen;
  }

  test('is hidden with all messages at once, and what others see does not change afterwards', async () => {
    const [user, sam, kim] = await signUp('erased', 'reader', 'other');
    const chat = await user.createChat([sam, kim], { message: 'erased' });
    await sam.send(chat, 'kept');
    await user.send(chat, 'erased');
    await kim.send(chat, 'kept');
    // A block of both, blocks of the user alone, a gap without messages, and an end of the user alone.
    await filler.addMessages(await idOf(chat), await userIdOf(user), 3_000);
    for (let n = 0; n < 12; n += 1) await (n % 2 ? sam : user).send(chat, n % 2 ? 'kept' : 'erased');
    await skipTo(server, chat, 10_000);
    for (let n = 0; n < 12; n += 1) await (n % 3 ? kim : user).send(chat, n % 3 ? 'kept' : 'erased');
    await filler.addMessages(await idOf(chat), await userIdOf(user), 2_000);
    const file = await sendFile(user, chat, 'bytes');
    const shown = 2 + 6 + 8;

    const remove = holdRemovals(server);
    const id = await userIdOf(user);
    expectSuccess(await user.delete(`/api/users/${user.username}`));
    const seen = await seenBy(sam, chat);
    expect(await rowsOf('messages', 'sender_id', id)).toBeGreaterThan(5_000);

    const texts = seen[''].body.data.messages.map(({ message }: Json) => message);
    expect(texts).toEqual(Array(shown).fill('kept'));
    expect(JSON.stringify(seen)).not.toContain('erased');
    expect(seen['/api/chats'].body.data[0]).toMatchObject({
      users: [sam.user, kim.user],
      messages: [{ message: 'kept', sender: kim.user }],
    });
    expect(seen['0'].body.code).toBe('message_not_found');
    // Sam owns the chat by now.
    for (const answer of [
      await sam.put(`/api/chats/${chat}/messages/0`, { message: 'x' }),
      await sam.delete(`/api/chats/${chat}/messages/0`),
    ]) {
      expect(answer).toMatchObject({ status: 400, body: { code: 'message_not_found' } });
    }
    expect((await sam.get(`/api/files/${file.uuid}`)).body.code).toBe('file_not_found');
    expect((await server.parley.get('/api/chats', { token: user.token })).body.code).toBe('token_invalid');
    expect((await sam.get(`/api/users?username=${user.username}`)).body.data).not.toContainEqual(user.user);

    const namesake = await server.parley.signUp(user.username);
    expectSuccess(await sam.put(`/api/chats/${chat}`, { mode: 'add', user: user.username }));
    expect(await namesake.texts(chat)).toEqual(texts);
    expectSuccess(await sam.put(`/api/chats/${chat}`, { mode: 'delete', user: user.username }));

    await remove();
    expect(await seenBy(sam, chat)).toEqual(seen);
    for (const table of ['messages', 'sender_blocks']) expect(await rowsOf(table, 'sender_id', id)).toBe(0);
    await until('the bytes to be removed', async () => (await files.stored(file)).length === 0 || undefined);
  });

  test('leaves a chat whose only messages are hidden without a last message, and others may delete and send', async () => {
    const [user, sam] = await signUp('talker', 'listener');
    const chat = await user.createChat([sam]);
    const own = await sam.send(chat, 'own');
    const remove = holdRemovals(server);
    expectSuccess(await user.delete(`/api/users/${user.username}`));
    expectSuccess(await sam.delete(`/api/chats/${chat}/messages/${own}`));
    expect((await sam.describeChat(chat)).messages).toEqual([]);
    expect(await sam.list(chat, '?order=desc')).toMatchObject({ messages: [] });
    expect(await sam.send(chat, 'next')).toBe(2);
    await remove();
    expect(await sam.texts(chat)).toEqual(['next']);
    expect((await sam.list(chat, '?page=0&per_page=1')).messages).toMatchObject([{ index: 2 }]);
  });

  test('costs nothing where the user sent nothing, and elsewhere one block at a time', async () => {
    const [user, sam, kim] = await signUp('flooder', 'counter', 'neighbour');
    const flooded = await user.createChat([sam]);
    await filler.addMessages(await idOf(flooded), await userIdOf(user), 3_000);
    for (let n = 0; n < 120; n += 1) await sam.send(flooded, 'read');
    await filler.addMessages(await idOf(flooded), await userIdOf(user), 3_000);
    await filler.query('UPDATE members SET read_next = 0');
    const calm = await kim.createChat([sam]);
    await kim.send(calm, 'unread');
    const remove = holdRemovals(server);
    expectSuccess(await user.delete(`/api/users/${user.username}`));

    const query = vi.spyOn(Reader.prototype, 'query');
    const { data } = (await sam.get('/api/chats')).body;
    const counts = query.mock.calls.filter(([sql]) => sql.includes('COUNT(*)'));
    const id = await idOf(flooded);
    for (const [sql, values] of counts) {
      expect(values?.[0]).toBe(id);
      expect(sql).toContain('seq <= ?');
    }
    expect(Object.fromEntries(data.map(({ uuid, unread }: Json) => [uuid, unread]))).toEqual({
      [flooded]: 100,
      [calm]: 2,
    });
    await remove();
    expect((await sam.get('/api/chats')).body.data).toEqual(data);
  });

  test('leaves no page short that was asked for before', async () => {
    const [user, sam] = await signUp('vanishing', 'leafing');
    const chat = await sam.createChat([user], { message: '0' });
    for (const member of [sam, user, user]) await member.send(chat, member.username);
    const caller = { userId: await userIdOf(sam), username: sam.username, tokenId: '', expiresAt: 0 };
    const access = await server.app.get(Membership).requireMember(caller, chat);
    const remove = holdRemovals(server);
    expectSuccess(await user.delete(`/api/users/${user.username}`));
    const messages = server.app.get(MessagesService);
    for (const query of [{ before: '9' }, { page: '0' }]) {
      const page = await messages.list(access, { ...query, per_page: '2', order: 'desc' });
      expect(page.messages.map(({ index }) => index)).toEqual([1, 0]);
    }
    await remove();
  });

  test('inherits no chat, and takes no place among the first users of one', async () => {
    const [user, owner, heir] = await signUp('departed', 'leaving', 'living');
    const id = await userIdOf(user);
    await filler.addChats(id, `before${count}.`, 510);
    await filler.query(`UPDATE chats SET is_permanent = 0 WHERE uuid LIKE 'before${count}.%'`);
    const shared = await owner.createChat([user, heir]);
    const alone = await owner.createChat([user]);
    await filler.addUsers(`many${count}.`, 101);
    await filler.addMembers(await idOf(shared), `many${count}.`);
    const remove = holdRemovals(server);
    expectSuccess(await user.delete(`/api/users/${user.username}`));
    expect(
      await filler.query('SELECT * FROM members WHERE user_id = ? AND chat_id = ?', [id, await idOf(shared)]),
    ).toHaveLength(1);

    const [listed] = (await heir.get('/api/chats?limit=5')).body.data;
    expect(listed.users).toHaveLength(100);
    for (const chat of [shared, alone]) {
      expectSuccess(await owner.put(`/api/chats/${chat}`, { mode: 'delete', user: owner.username }));
    }
    expect(await heir.describeChat(shared)).toMatchObject({ owner: heir.username });
    expect(await filler.query('SELECT * FROM chats WHERE uuid = ?', [alone])).toEqual([]);
    await remove();
  });

  test('can neither join nor create a room by a call that began before', async () => {
    const [user, sam] = await signUp('hasty', 'keeper');
    const room = await createRoom(sam, `Hasty ${count}`);
    const caller = { userId: await userIdOf(user), username: user.username, tokenId: '', expiresAt: 0 };
    expectSuccess(await user.delete(`/api/users/${user.username}`));
    const rooms = server.app.get(RoomsService);
    const origin = { address: '', network: '', requestId: '' } as Origin;
    await expect(rooms.join(caller, { name: room.name }, origin)).rejects.toMatchObject({
      code: 'token_invalid',
    });
    const created = rooms.create(caller, { room_name: `Hasty too ${count}`, is_private: 0 });
    await expect(created).rejects.toMatchObject({ code: 'token_invalid' });
    expect(await rowsOf('members', 'user_id', caller.userId)).toBe(0);
  });

  test('gets no token by a login that began before', async () => {
    const [user] = await signUp('late');
    const id = await userIdOf(user);
    const hasher = server.app.get(PasswordHasher);
    const verify = hasher.verify.bind(hasher);
    vi.spyOn(hasher, 'verify').mockImplementation(async (...secrets) => {
      const matches = await verify(...secrets);
      expectSuccess(await user.delete(`/api/users/${user.username}`));
      await removalsDone(server);
      return matches;
    });
    const { username, password } = user;
    const answer = await server.parley.post('/api/auth/login', { username, password });
    expect(answer).toMatchObject({ status: 401, body: { code: 'wrong_credentials' } });
    expect(await rowsOf('tokens', 'user_id', id)).toBe(0);
  });

  test('hides messages in rooms too', async () => {
    const [user, sam] = await signUp('visitor', 'host');
    const room = await createRoom(sam, `Visited ${count}`);
    await join(user, room);
    for (const member of [sam, user, sam, user]) await member.send(room.chat, member.username);
    const remove = holdRemovals(server);
    expectSuccess(await user.delete(`/api/users/${user.username}`));
    const read = async () =>
      (await sam.get(`/api/get_room_messages?room_id=${room.id}&limit=2`)).body.messages;
    const messages = await read();
    expect(messages.map(({ message }: Json) => message)).toEqual([sam.username, sam.username]);
    expect((await sam.get(`/api/room_members/${room.id}`)).body.members).toEqual([sam.username]);
    await remove();
    expect(await read()).toEqual(messages);
  });

  test('leaves more chats than one transaction may lock', async () => {
    const [user, heir] = await signUp('everywhere', 'heir');
    const id = await userIdOf(user);
    await filler.addChats(id, `crowd${count}.`, 1_100);
    await filler.query(
      `INSERT INTO members (chat_id, user_id, since, joined_at)
       SELECT id, ?, 2, 2 FROM chats WHERE uuid LIKE 'crowd${count}.%'`,
      [await userIdOf(heir)],
    );
    await filler.query(`UPDATE chats SET member_count = 2 WHERE uuid LIKE 'crowd${count}.%'`);
    const remove = holdRemovals(server);
    expectSuccess(await user.delete(`/api/users/${user.username}`));
    expect(await rowsOf('members', 'user_id', id)).toBe(600);
    const { data } = (await heir.get('/api/chats?limit=200')).body;
    for (const { users } of data) expect(users).toEqual([heir.user]);
    await remove();
    expect(await rowsOf('members', 'user_id', id)).toBe(0);
    expect(await rowsOf('chats', 'owner_id', await userIdOf(heir))).toBe(1_100);
  });
});

test('removals begin with the users, also with one who is erased meanwhile, and a failure holds up no other', async () => {
  const [owner, first, second] = await signUp('remover', 'one', 'two');
  const chats = [await owner.createChat([]), await owner.createChat([])];
  const release = holdRemovals(server);
  for (const chat of chats) expectSuccess(await owner.delete(`/api/chats/${chat}`));
  expectSuccess(await first.delete(`/api/users/${first.username}`));
  const order: string[] = [];
  const { handlers } = server.app.get(Removals);
  for (const kind of ['chat', 'user'] as const) {
    const run = handlers[kind].run.bind(handlers[kind]);
    vi.spyOn(handlers[kind], 'run').mockImplementation(async (id, signal) => {
      order.push(kind);
      if (order.length === 2) {
        expectSuccess(await second.delete(`/api/users/${second.username}`));
        throw new Error('out of order');
      }
      await run(id, signal);
    });
  }
  await release();
  expect(order).toEqual(['user', 'chat', 'user', 'chat', 'chat']);
});
