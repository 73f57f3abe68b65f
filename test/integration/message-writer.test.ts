import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Reader, Transaction, UnitOfWork } from '#src/database/unit-of-work.js';
import type { Position } from '#src/membership/locked-chat.js';
import { keyedRequest } from '#src/idempotency/kept-answers.js';
import { MessageWriter, type NewMessage } from '#src/messages/message-writer.js';
import { SenderBlocks } from '#src/messages/sender-blocks.js';
import { newText } from '../support/new-message.js';
import { findViolations } from '../support/invariants.js';
import type { Member } from '../support/parley.js';
import { startServer, type TestServer } from '../support/server.js';
import { skipTo } from '../support/skip-to.js';

let server: TestServer;
let unitOfWork: UnitOfWork;
let writer: MessageWriter;
let commits: number;
let alex: Member;
let sam: Member;
let kim: Member;

beforeAll(async () => {
  server = await startServer();
  unitOfWork = server.app.get(UnitOfWork);
  [alex, sam, kim] = await Promise.all(['alex', 'sam', 'kim'].map((name) => server.parley.signUp(name)));
});

afterAll(async () => {
  expect(await findViolations(server)).toEqual({});
  await server.close();
});

beforeEach(() => {
  commits = 0;
  const counting = {
    run: <T>(work: (tx: Transaction) => Promise<T>) => {
      commits += 1;
      return unitOfWork.run(work);
    },
  };
  writer = new MessageWriter(counting as UnitOfWork, new SenderBlocks());
});

async function idOf(table: 'users' | 'chats', column: string, value: string): Promise<number> {
  const query = `SELECT id FROM ${table} WHERE ${column} = ?`;
  const [{ id }] = await server.app.get(Reader).query<{ id: number }>(query, [value]);
  return id;
}

/** Creates a chat of alex and sam, and returns a factory for messages to it. */
async function createTestChat() {
  const uuid = await alex.createChat([sam]);
  const chatId = await idOf('chats', 'uuid', uuid);
  const messageOf = async ({ username }: Member, text: string): Promise<NewMessage> =>
    newText(chatId, await idOf('users', 'username', username), text);
  return { uuid, messageOf };
}

const textsOf = (chat: string) => alex.texts(chat, '?after=0');

test('a lone message gets its own commit', async () => {
  const { uuid, messageOf } = await createTestChat();
  expect(await writer.write(await messageOf(alex, 'alone'))).toMatchObject({ seq: 1 });
  expect(commits).toBe(1);
  expect(await textsOf(uuid)).toEqual(['alone']);
});

test("a sender's first message in a block adds a row to sender_blocks, whether sent alone or in a batch", async () => {
  const { uuid, messageOf } = await createTestChat();
  const [alexs, sams] = [await messageOf(alex, 'text'), await messageOf(sam, 'text')];
  const blocks = () =>
    server.app
      .get(Reader)
      .query('SELECT sender_id, block FROM sender_blocks WHERE chat_id = ? ORDER BY block, sender_id', [
        alexs.chatId,
      ]);
  const inBlock = (block: number, ...messages: NewMessage[]) =>
    messages
      .map(({ senderId }) => ({ sender_id: senderId, block }))
      .toSorted((a, b) => a.sender_id - b.sender_id);

  expect(await blocks()).toEqual(inBlock(0, alexs));
  await writer.write(sams);
  await writer.write(sams);
  const first = inBlock(0, alexs, sams);
  expect(await blocks()).toEqual(first);

  await skipTo(server, uuid, 1_023);
  await Promise.all([sams, sams, sams].map((message) => writer.write(message)));
  expect(await blocks()).toEqual([...first, ...inBlock(1, sams)]);
  await writer.write(alexs);
  expect(await blocks()).toEqual([...first, ...inBlock(1, alexs, sams)]);

  // The block number exceeds 32 bits.
  await skipTo(server, uuid, 2 ** 45);
  await Promise.all([alexs, sams].map((message) => writer.write(message)));
  expect((await blocks()).slice(4)).toEqual(inBlock(2 ** 35, alexs, sams));
});

test('messages that arrive together share a commit and keep their order', async () => {
  const [one, two] = [await createTestChat(), await createTestChat()];
  const [first, second] = [await one.messageOf(sam, 'to one'), await two.messageOf(alex, 'to two')];
  const writes = Array.from({ length: 100 }, (_, n) => {
    const message = n % 2 ? second : first;
    return writer.write({ ...message, text: `${message.text}: ${n}` });
  });
  const positions = await Promise.all(writes);
  expect(commits).toBeLessThanOrEqual(2);
  expect(positions.map(({ seq }) => seq)).toEqual(positions.map((_, n) => Math.floor(n / 2) + 1));
  const texts = Array.from({ length: 50 }, (_, n) => `to one: ${n * 2}`);
  expect(await textsOf(one.uuid)).toEqual(texts);
});

test('messages that arrive during a commit go into the next commit', async () => {
  const { uuid, messageOf } = await createTestChat();
  const message = await messageOf(alex, 'text');
  const during: Promise<Position>[] = [];
  const counting = {
    run: async <T>(work: (tx: Transaction) => Promise<T>) => {
      commits += 1;
      if (commits === 1) for (let n = 0; n < 20; n += 1) during.push(writer.write(message));
      return unitOfWork.run(work);
    },
  };
  writer = new MessageWriter(counting as UnitOfWork, new SenderBlocks());
  await writer.write(message);
  expect((await Promise.all(during)).map(({ seq }) => seq)).toEqual(
    Array.from({ length: 20 }, (_, n) => n + 2),
  );
  expect(commits).toBe(2);
  expect(await textsOf(uuid)).toHaveLength(21);
});

test('1,000 messages that arrive together are all stored, in several commits', async () => {
  const { uuid, messageOf } = await createTestChat();
  const message = await messageOf(sam, 'text');
  const positions = await Promise.all(Array.from({ length: 1000 }, () => writer.write(message)));
  expect(positions.map(({ seq }) => seq)).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1));
  const times = positions.map(({ sentAt }) => sentAt);
  expect(times.slice(1).filter((time, n) => time <= times[n])).toEqual([]);
  expect(commits).toBeGreaterThan(1);
  expect(commits).toBeLessThan(100);
  expect((await alex.list(uuid, '?order=desc&per_page=1')).messages[0].index).toBe(1000);
});

test('a message that the database rejects does not make the others fail', async () => {
  const { uuid, messageOf } = await createTestChat();
  const good = await messageOf(sam, 'good');
  const bad = { ...good, text: null as unknown as string };
  const outcomes = await Promise.allSettled([good, good, bad, good, good].map((one) => writer.write(one)));
  expect(outcomes.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
  ]);
  const seqs = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value.seq] : []));
  expect(seqs).toEqual([1, 2, 3, 4]);
  expect(await textsOf(uuid)).toEqual(['good', 'good', 'good', 'good']);
});

test('a sender who is not a member is refused, and messages of other senders are stored', async () => {
  const { uuid, messageOf } = await createTestChat();
  const [good, stranger] = [await messageOf(sam, 'good'), await messageOf(kim, 'by a stranger')];
  const outcomes = await Promise.allSettled([good, stranger, good].map((one) => writer.write(one)));
  expect(outcomes).toEqual([
    { status: 'fulfilled', value: expect.objectContaining({ seq: 1 }) },
    { status: 'rejected', reason: expect.objectContaining({ code: 'not_a_member' }) },
    { status: 'fulfilled', value: expect.objectContaining({ seq: 2 }) },
  ]);
  expect(commits).toBeLessThanOrEqual(2);
  expect(await textsOf(uuid)).toEqual(['good', 'good']);
});

test('a membership in one chat does not allow sends to another chat in the same batch', async () => {
  const { uuid, messageOf } = await createTestChat();
  const own = await kim.createChat([]);
  const kimsOwn = { ...(await messageOf(kim, 'mine')), chatId: await idOf('chats', 'uuid', own) };
  const intruding = await messageOf(kim, 'intruding');
  const [fine, refused] = await Promise.allSettled([kimsOwn, intruding].map((one) => writer.write(one)));
  expect([fine.status, refused.status]).toEqual(['fulfilled', 'rejected']);
  expect(await textsOf(uuid)).toEqual([]);
});

test('a message to a deleted chat is refused, and messages to other chats are stored', async () => {
  const [gone, there] = [await createTestChat(), await createTestChat()];
  const messages = [await gone.messageOf(sam, 'too late'), await there.messageOf(sam, 'in time')];
  await alex.delete(`/api/chats/${gone.uuid}`);
  const outcomes = await Promise.allSettled(messages.map((one) => writer.write(one)));
  expect(outcomes).toEqual([
    { status: 'rejected', reason: expect.objectContaining({ code: 'chat_not_found' }) },
    { status: 'fulfilled', value: expect.objectContaining({ seq: 1 }) },
  ]);
  expect(await textsOf(there.uuid)).toEqual(['in time']);
});

test('the writer continues after a failure', async () => {
  const { uuid, messageOf } = await createTestChat();
  await expect(writer.write(await messageOf(kim, 'refused'))).rejects.toMatchObject({ code: 'not_a_member' });
  await writer.write(await messageOf(sam, 'on and on'));
  expect(await textsOf(uuid)).toEqual(['on and on']);
});

test('timestamps increase even if the clock stands still or goes back', async () => {
  const { uuid, messageOf } = await createTestChat();
  const future = 9_000_000_000_000_000;
  const setClock = (tx: Transaction) =>
    tx.execute('UPDATE chats SET last_sent_at = ? WHERE uuid = ?', [future, uuid]);
  await unitOfWork.run(setClock);
  const message = await messageOf(sam, 'text');
  const positions = await Promise.all([1, 2, 3].map(() => writer.write(message)));
  expect(positions.map(({ sentAt }) => sentAt - future)).toEqual([1, 2, 3]);
  expect((await sam.put(`/api/chats/${uuid}/messages/1`, { message: 'edited' })).status).toBe(200);
  const [edited] = (await sam.list(uuid, '?after=0')).messages;
  expect(edited.edited).toBeGreaterThan(edited.timestamp);
});

describe('messages with keys', () => {
  const withKey = (message: NewMessage, key: string): NewMessage => {
    const { senderId, chatId, text } = message;
    return { ...message, request: keyedRequest(senderId, key, 'send_message', [chatId, text]) };
  };

  test('that are equal share a position, in one batch and in a later one', async () => {
    const { uuid, messageOf } = await createTestChat();
    const message = withKey(await messageOf(sam, 'once'), 'equal');
    const other = withKey(await messageOf(sam, 'other'), 'equal');
    const outcomes = await Promise.allSettled([message, message, other].map((one) => writer.write(one)));
    const sent = { seq: 1, sentAt: expect.any(Number) as number };
    expect(outcomes).toEqual([
      { status: 'fulfilled', value: { ...sent, isReplayed: false } },
      { status: 'fulfilled', value: { ...sent, isReplayed: true } },
      { status: 'rejected', reason: expect.objectContaining({ code: 'idempotency_conflict' }) },
    ]);
    expect(await writer.write(message)).toEqual({ ...sent, isReplayed: true });
    expect(commits).toBe(2);
    expect(await textsOf(uuid)).toEqual(['once']);
  });

  test('of which the first is refused leave the key to the second', async () => {
    const { uuid, messageOf } = await createTestChat();
    const own = await kim.createChat([]);
    const refused = await messageOf(kim, 'refused');
    const accepted = { ...refused, chatId: await idOf('chats', 'uuid', own) };
    const outcomes = await Promise.allSettled(
      [refused, accepted].map((one) => writer.write(withKey(one, 'left'))),
    );
    expect(outcomes).toEqual([
      { status: 'rejected', reason: expect.objectContaining({ code: 'not_a_member' }) },
      { status: 'fulfilled', value: expect.objectContaining({ seq: 1, isReplayed: false }) },
    ]);
    expect(await textsOf(uuid)).toEqual([]);
  });

  test('of two users do not meet in a batch, although the keys are equal', async () => {
    const { messageOf } = await createTestChat();
    const messages = [await messageOf(sam, 'text'), await messageOf(alex, 'text')];
    const sent = await Promise.all(messages.map((message) => writer.write(withKey(message, 'shared'))));
    expect(sent.map(({ seq, isReplayed }) => ({ seq, isReplayed }))).toEqual([
      { seq: 1, isReplayed: false },
      { seq: 2, isReplayed: false },
    ]);
    expect(commits).toBe(1);
  });

  test('are refused when the sender has left the chat since the route checked it', async () => {
    const { uuid, messageOf } = await createTestChat();
    const message = withKey(await messageOf(sam, 'text'), 'left since');
    await writer.write(message);
    await sam.put(`/api/chats/${uuid}`, { mode: 'delete', user: 'sam' });
    await expect(writer.write(message)).rejects.toMatchObject({ code: 'not_a_member' });
  });

  test('are kept in one order, so that batches of two servers never deadlock', async () => {
    const { messageOf } = await createTestChat();
    const messages = [
      withKey(await messageOf(sam, 'text'), 'b'),
      withKey(await messageOf(sam, 'text'), 'B'),
      withKey(await messageOf(alex, 'text'), 'c'),
      withKey(await messageOf(sam, 'text'), 'a'),
    ];
    const insert = vi.spyOn(Transaction.prototype, 'insert');
    await Promise.all(messages.map((message) => writer.write(message)));
    const [, rows] = insert.mock.calls.find(([into]) => into.startsWith('idempotency_keys')) ?? [];
    insert.mockRestore();
    const [sams, alexs] = [messages[0].senderId, messages[2].senderId];
    const expected = ['B', 'a', 'b'].map((key) => [sams, key]);
    expected.splice(alexs < sams ? 0 : 3, 0, [alexs, 'c']);
    expect(rows?.map(([userId, key]) => [userId, key])).toEqual(expected);
  });

  test.each([1, 3])(
    'are run again together if a key is taken after the look-up (a batch of %i)',
    async (size) => {
      const { uuid, messageOf } = await createTestChat();
      const taken = withKey(await messageOf(sam, 'taken'), `taken ${size}`);
      const { seq, sentAt } = await writer.write(taken);
      commits = 0;
      // The look-up finds nothing, as if the key were inserted just after it.
      vi.spyOn(Transaction.prototype, 'defer').mockImplementationOnce(function (
        this: Transaction,
        sql,
        values,
      ) {
        expect(sql).toContain('idempotency_keys');
        this.defer(sql, values);
      });
      const others = await Promise.all(Array.from({ length: size - 1 }, (_, n) => messageOf(sam, String(n))));
      const [repeat, ...sent] = await Promise.all([taken, ...others].map((one) => writer.write(one)));
      vi.restoreAllMocks();
      expect(repeat).toEqual({ seq, sentAt, isReplayed: true });
      expect(sent.map((one) => one.seq)).toEqual(others.map((_, n) => n + 2));
      expect(commits).toBe(2);
      expect(await textsOf(uuid)).toEqual(['taken', ...others.map(({ text }) => text)]);
    },
  );
});
