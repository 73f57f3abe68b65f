import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { Reader, Transaction, UnitOfWork } from '#src/database/unit-of-work.js';
import { LockedChat } from '#src/membership/locked-chat.js';
import { Membership } from '#src/membership/membership.service.js';
import { MessageWriter } from '#src/messages/message-writer.js';
import { MessagesService } from '#src/messages/messages.service.js';
import { findViolations } from '../support/invariants.js';
import { newText } from '../support/new-message.js';
import type { Member } from '../support/parley.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
let unitOfWork: UnitOfWork;
let alex: Member;
let sam: Member;

beforeAll(async () => {
  server = await startServer();
  unitOfWork = server.app.get(UnitOfWork);
  [alex, sam] = await Promise.all(['alex', 'sam'].map((name) => server.parley.signUp(name)));
});

afterEach(() => vi.restoreAllMocks());

afterAll(async () => {
  expect(await findViolations(server)).toEqual({});
  await server.close();
});

async function idOf(table: 'users' | 'chats', column: string, value: string): Promise<number> {
  const query = `SELECT id FROM ${table} WHERE ${column} = ?`;
  const [{ id }] = await server.app.get(Reader).query<{ id: number }>(query, [value]);
  return id;
}

const userId = ({ username }: Member) => idOf('users', 'username', username);

async function newChat(...others: Member[]) {
  const uuid = await alex.createChat(others);
  return { uuid, chatId: await idOf('chats', 'uuid', uuid) };
}

async function accessOf(member: Member, uuid: string) {
  const caller = { userId: await userId(member), username: member.username, tokenId: '', expiresAt: 0 };
  return server.app.get(Membership).requireMember(caller, uuid);
}

test('users of one chat share its lock and its counters', async () => {
  const { chatId } = await newChat(sam);
  const keys = [
    { chatId, userId: await userId(alex) },
    { chatId, userId: await userId(sam) },
  ];
  await unitOfWork.run(async (tx) => {
    const chats = await LockedChat.lockAll(tx, keys);
    expect([...chats.keys()]).toEqual([chatId]);
    for (const key of keys) expect(chats.get(chatId)?.checkMember(key.userId)).toBeUndefined();
  });
});

test('an outsider is refused by the locked chat, and a chat that does not exist is missing', async () => {
  const { chatId } = await newChat();
  await unitOfWork.run(async (tx) => {
    const keys = [
      { chatId, userId: await userId(sam) },
      { chatId: 2_000_000, userId: await userId(alex) },
    ];
    const chats = await LockedChat.lockAll(tx, keys);
    expect(chats.get(chatId)?.checkMember(keys[0].userId)).toMatchObject({ code: 'not_a_member' });
    expect(chats.has(2_000_000)).toBe(false);
  });
});

test('more pairs than one round trip takes are locked in the order of their chats', async () => {
  const [first, second] = [await newChat(sam), await newChat(sam)];
  const members = [await userId(alex), await userId(sam)];
  // 1,100 pairs of two chats, so that a chat lies on the border of two round trips.
  const strangers = Array.from({ length: 548 }, (_, n) => 1_000_000 + n);
  const keys = [second, first].flatMap(({ chatId }) =>
    [...strangers, ...members].map((id) => ({ chatId, userId: id })),
  );
  await unitOfWork.run(async (tx) => {
    const queryAll = vi.spyOn(tx, 'queryAll');
    const chats = await LockedChat.lockAll(tx, keys);
    expect(queryAll).toHaveBeenCalledTimes(3);
    expect([...chats.keys()]).toEqual([first.chatId, second.chatId]);
    for (const chat of chats.values()) {
      for (const id of members) expect(chat.checkMember(id)).toBeUndefined();
      expect(chat.checkMember(strangers[0])).toMatchObject({ code: 'not_a_member' });
    }
  });
});

test('one UPDATE saves the counters of all chats of a batch', async () => {
  const chats = [await newChat(), await newChat(), await newChat()];
  const sender = await userId(alex);
  const messages = chats.flatMap(({ chatId }) => [1, 2].map(() => newText(chatId, sender, 'text')));
  const defer = vi.spyOn(Transaction.prototype, 'defer');
  await unitOfWork.run(async (tx) => {
    const keys = messages.map(({ chatId, senderId }) => ({ chatId, userId: senderId }));
    server.app.get(MessageWriter).writeIn(tx, await LockedChat.lockAll(tx, keys), messages);
  });
  const saved = defer.mock.calls.filter(([sql]) => sql.startsWith('UPDATE chats SET next_seq'));
  expect(saved).toHaveLength(1);
  for (const { uuid } of chats) expect(await alex.texts(uuid, '?after=0')).toEqual(['text', 'text']);
});

test('a locked chat that nothing changes is not written', async () => {
  const { chatId } = await newChat();
  const defer = vi.spyOn(Transaction.prototype, 'defer');
  const key = { chatId, userId: await userId(alex) };
  await unitOfWork.run((tx) => LockedChat.lock(tx, key));
  expect(defer).not.toHaveBeenCalled();
});

test('the service itself refuses to edit or delete messages of other users', async () => {
  const { uuid } = await newChat(sam);
  const messages = server.app.get(MessagesService);
  const access = await accessOf(sam, uuid);
  await expect(messages.edit(access, 0, 'mine now')).rejects.toMatchObject({ code: 'not_allowed' });
  await expect(messages.delete(access, 0)).rejects.toMatchObject({ code: 'not_allowed' });
  await expect(messages.edit(access, 7, 'nothing')).rejects.toMatchObject({ code: 'message_not_found' });
  expect(await alex.texts(uuid)).toHaveLength(1);
});

test('an access that was given before its user left is refused under the lock', async () => {
  const { uuid } = await newChat(sam);
  const access = await accessOf(sam, uuid);
  await sam.put(`/api/chats/${uuid}`, { mode: 'delete', user: 'sam' });
  const send = server.app.get(MessagesService).send(access, { type: 'message', message: 'too late' });
  await expect(send).rejects.toMatchObject({ code: 'not_a_member' });
});
