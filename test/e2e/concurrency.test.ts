import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { UnitOfWork } from '#src/database/unit-of-work.js';
import { findViolations } from '../support/invariants.js';
import type { Answer, Json, Member } from '../support/parley.js';
import { NOT_A_MEMBER, errorAnswer, UNKNOWN_CHAT, UNKNOWN_MESSAGE } from '../support/error-answer.js';
import { startServer, type TestServer } from '../support/server.js';

let server: TestServer;
let members: Member[];
let alex: Member;
let sam: Member;

beforeAll(async () => {
  server = await startServer();
  const names = Array.from({ length: 20 }, (_, n) => `member${n}`);
  members = await Promise.all(names.map((name) => server.parley.signUp(name)));
  [alex, sam] = members;
});

afterAll(() => server.close());

afterEach(async () => {
  vi.restoreAllMocks();
  expect(await findViolations(server)).toEqual({});
});

const SUCCESS = expect.objectContaining({ status: 200 }) as unknown;

/** Runs `count` calls concurrently. */
const atOnce = <T>(count: number, call: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => call(n)));

const send = (as: Member, chat: string, message: string) =>
  as.post(`/api/chats/${chat}/messages`, { type: 'message', message });
const add = (by: Member, chat: string, { username }: Member) =>
  by.put(`/api/chats/${chat}`, { mode: 'add', user: username });
const remove = (by: Member, chat: string, { username }: Member) =>
  by.put(`/api/chats/${chat}`, { mode: 'delete', user: username });

const statusesOf = (answers: Answer[]) =>
  [...new Set(answers.map(({ status }) => status))].toSorted((a, b) => a - b);
const numbersFrom = (first: number, count: number) => Array.from({ length: count }, (_, n) => first + n);

/** Asserts that the stored messages are exactly the acknowledged ones. */
function expectStored(sent: { text: string; answer: Answer }[], stored: Json[]): void {
  const acknowledged = sent
    .filter(({ answer }) => answer.status === 200)
    .map(({ text, answer: { body } }) => ({ ...body.data, message: text }))
    .toSorted((a, b) => a.index - b.index);
  expect(stored.map(({ index, timestamp, message }) => ({ index, timestamp, message }))).toEqual(
    acknowledged,
  );
}

function expectToIncrease(timestamps: number[]): void {
  const wrong = timestamps.slice(1).filter((timestamp, n) => timestamp <= timestamps[n]);
  expect(wrong).toEqual([]);
}

describe('concurrent requests for messages', () => {
  test('sends to one chat get consecutive indexes and are stored in order', async () => {
    const chat = await alex.createChat(members);
    const sent = await atOnce(200, async (n) => ({
      text: `text ${n}`,
      answer: await send(members[n % 20], chat, `text ${n}`),
    }));
    expect(statusesOf(sent.map(({ answer }) => answer))).toEqual([200]);

    const { messages } = await sam.list(chat, '?after=0&per_page=1000');
    expect(messages.map(({ index }: Json) => index)).toEqual(numbersFrom(1, 200));
    expectStored(sent, messages);
    expectToIncrease(messages.map(({ timestamp }: Json) => timestamp));
  });

  test('sends to a chat whose counters are behind its messages repair the counters', async () => {
    const chats = [await alex.createChat([sam]), await alex.createChat([sam])];
    for (const chat of chats) for (const text of ['b', 'c', 'd']) await alex.send(chat, text);
    await server.app
      .get(UnitOfWork)
      .run((tx) =>
        tx.execute('UPDATE chats SET next_seq = 2, last_sent_at = last_sent_at - 1000 WHERE uuid = ?', [
          chats[0],
        ]),
      );
    const sent = await atOnce(20, async (n) => send(alex, chats[n % 2], `${n}`));
    expect(statusesOf(sent)).toEqual([200]);
    for (const chat of chats) {
      const { messages } = await sam.list(chat, '?per_page=100');
      expect(messages.map(({ index }: Json) => index)).toEqual(numbersFrom(0, 14));
      expectToIncrease(messages.map(({ timestamp }: Json) => timestamp));
    }
  });

  test('sends to twenty chats are stored in their own chats', async () => {
    const chats = await atOnce(20, (n) => members[n].createChat(members, { name: String(n) }));
    const sent = await atOnce(200, async (n) => {
      const chat = n % 20;
      const text = `text ${n} to ${chat}`;
      return { chat, text, answer: await send(members[(n * 7) % 20], chats[chat], text) };
    });
    expect(statusesOf(sent.map(({ answer }) => answer))).toEqual([200]);

    for (const [chat, uuid] of chats.entries()) {
      const { messages } = await alex.list(uuid, '?after=0');
      expect(messages.map(({ index }: Json) => index)).toEqual(numbersFrom(1, 10));
      expectStored(
        sent.filter((one) => one.chat === chat),
        messages,
      );
    }
  });

  test('sends share commits', async () => {
    const chat = await alex.createChat(members);
    const run = vi.spyOn(UnitOfWork.prototype, 'run');
    await atOnce(200, (n) => members[n % 20].send(chat, 'text'));
    expect(run.mock.calls.length).toBeGreaterThan(0);
    expect(run.mock.calls.length).toBeLessThan(100);
    run.mockRestore();
  });

  test('sends, edits and deletions do not disturb each other', async () => {
    const chat = await alex.createChat(members);
    await atOnce(40, (n) => members[n % 20].send(chat, 'text'));
    const { messages } = await alex.list(chat);
    const answers = await Promise.all(
      messages.flatMap(({ index, sender }: Json) => {
        const own = members.find(({ username }) => username === sender.username) ?? alex;
        const path = `/api/chats/${chat}/messages/${index}`;
        return [own.put(path, { message: 'edited' }), alex.delete(path), send(own, chat, 'new')];
      }),
    );
    expect(answers.filter(({ status }) => status !== 200 && status !== 400)).toEqual([]);
    expect(await alex.texts(chat)).toEqual(Array(41).fill('new'));
  });

  test('of twenty deletions of one message, exactly one succeeds', async () => {
    const chat = await alex.createChat(members);
    const answers = await atOnce(20, () => alex.delete(`/api/chats/${chat}/messages/0`));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(answer).toEqual(UNKNOWN_MESSAGE);
    }
  });
});

describe('sends that race', () => {
  /** Runs `event` concurrently with 20 sends that start before it and 20 that start after it. */
  async function sendAround<T>(as: Member, chat: string, event: () => Promise<T>) {
    const call = async (n: number) => ({ text: `text ${n}`, answer: await send(as, chat, `text ${n}`) });
    const before = atOnce(20, call);
    const result = event();
    const after = atOnce(20, (n) => call(n + 20));
    return { result: await result, sent: [...(await before), ...(await after)] };
  }

  // Each race runs three times, because the order of the requests varies.
  test.each([1, 2, 3])('with the removal of the sender either succeed or return 403 (round %i)', async () => {
    const chat = await alex.createChat([sam]);
    const { result, sent } = await sendAround(sam, chat, () => remove(alex, chat, sam));
    expect(result).toEqual(SUCCESS);
    for (const { answer } of sent) {
      if (answer.status !== 200) expect(answer).toEqual(NOT_A_MEMBER);
    }
    expectStored(sent, (await alex.list(chat, '?after=0')).messages);
    expect(await send(sam, chat, 'too late')).toEqual(NOT_A_MEMBER);
  });

  test.each([1, 2, 3])(
    'with the deletion of the chat either succeed or find no chat (round %i)',
    async () => {
      const chat = await alex.createChat([sam]);
      const { result, sent } = await sendAround(sam, chat, () => alex.delete(`/api/chats/${chat}`));
      expect(result).toEqual(SUCCESS);
      for (const { answer } of sent) {
        if (answer.status !== 200) expect(answer).toEqual(UNKNOWN_CHAT);
      }
      expect(await send(sam, chat, 'too late')).toEqual(UNKNOWN_CHAT);
    },
  );

  test.each([1, 2, 3])(
    'with the erasure of the sender leave no messages of the sender (round %i)',
    async (round) => {
      const ghost = await server.parley.signUp(`ghost${round}`);
      const chat = await alex.createChat([ghost]);
      const erase = () => ghost.delete(`/api/users/${ghost.username}`);
      const { result, sent } = await sendAround(ghost, chat, erase);
      expect(result).toEqual(SUCCESS);
      const others = sent.map(({ answer }) => answer).filter(({ status }) => status !== 200);
      expect(statusesOf(others).filter((status) => status !== 401 && status !== 403)).toEqual([]);
      expect(await alex.texts(chat)).toEqual(['first']);
    },
  );
});

describe('membership', () => {
  let chat: string;

  beforeEach(async () => {
    chat = await alex.createChat(members.slice(2));
  });

  test('of fifty concurrent additions of one user, exactly one succeeds', async () => {
    const answers = await atOnce(50, (n) => add(members[n % 2 ? 2 : 0], chat, sam));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const others = answers.filter(({ status }) => status !== 200);
    for (const answer of others) {
      expect(answer).toEqual(errorAnswer(400, `user '${sam.username}' is already part of specified chat`));
    }
    expect((await alex.describeChat(chat)).users).toHaveLength(20);
  });

  test('of twenty concurrent removals of one user, exactly one succeeds', async () => {
    const answers = await atOnce(20, () => remove(alex, chat, members[2]));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(statusesOf(answers)).toEqual([200, 400]);
  });

  test('members who are added concurrently get distinct places in the order of seniority', async () => {
    const own = await alex.createChat([]);
    const answers = await atOnce(19, (n) => add(alex, own, members[n + 1]));
    expect(statusesOf(answers)).toEqual([200]);
    const { users } = await alex.describeChat(own);
    await remove(alex, own, alex);
    const heir = members.find(({ username }) => username === users[1].username);
    expect(await heir?.delete(`/api/chats/${own}`)).toEqual(SUCCESS);
  });

  test('the chat is deleted when all members leave at once', async () => {
    await add(alex, chat, sam);
    const answers = await atOnce(20, (n) => remove(members[n], chat, members[n]));
    expect(statusesOf(answers)).toEqual([200]);
    expect(await alex.get(`/api/chats/${chat}`)).toEqual(UNKNOWN_CHAT);
  });

  test('the remaining member owns the chat when all others leave at once', async () => {
    await add(alex, chat, sam);
    const answers = await atOnce(19, (n) => remove(members[n], chat, members[n]));
    expect(statusesOf(answers)).toEqual([200]);
    expect(await members[19].delete(`/api/chats/${chat}`)).toEqual(SUCCESS);
  });

  test('of twenty concurrent deletions of the chat, exactly one succeeds', async () => {
    const answers = await atOnce(20, () => alex.delete(`/api/chats/${chat}`));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(answer).toEqual(UNKNOWN_CHAT);
    }
  });
});

describe('erasing a user', () => {
  test.each([1, 2, 3, 4, 5])(
    'leaves no data while others add the user and the user creates chats (round %i)',
    async (round) => {
      const ghost = await server.parley.signUp(`spirit${round}`);
      const chats = await atOnce(16, (n) => members[n].createChat(n % 2 ? [ghost] : []));
      const additions = atOnce(8, (n) => add(members[n * 2], chats[n * 2], ghost));
      const invitation = { name: 'Chat', message: 'm' };
      const creations = atOnce(8, () => ghost.post('/api/chats', { ...invitation, users: [sam.username] }));
      const erasure = ghost.delete(`/api/users/${ghost.username}`);
      const invitations = atOnce(8, (n) =>
        members[n].post('/api/chats', { ...invitation, users: [ghost.username] }),
      );
      const removals = atOnce(8, (n) => remove(members[n * 2 + 1], chats[n * 2 + 1], ghost));

      expect(await erasure).toEqual(SUCCESS);
      const answers = await Promise.all([additions, creations, invitations, removals]);
      const allowed = [200, 400, 401];
      expect(answers.flat().filter(({ status }) => !allowed.includes(status))).toEqual([]);
      const { users } = await members[1].describeChat(chats[1]);
      expect(users).toEqual([members[1].user]);
    },
  );

  test('leaves no chat when all members are erased at once', async () => {
    const doomed = await atOnce(8, (n) => server.parley.signUp(`doomed${n}`));
    const chats = await atOnce(8, (n) => doomed[n].createChat(doomed));
    await atOnce(32, (n) => doomed[n % 8].send(chats[(n * 3) % 8], 'text'));
    const answers = await Promise.all(doomed.map((user) => user.delete(`/api/users/${user.username}`)));
    expect(statusesOf(answers)).toEqual([200]);
    for (const chat of chats) expect(await alex.get(`/api/chats/${chat}`)).toEqual(UNKNOWN_CHAT);
  });

  test.each([1, 2, 3])(
    "keeps the message count correct while the owner deletes the user's messages (round %i)",
    async (round) => {
      const ghost = await server.parley.signUp(`shade${round}`);
      const chat = await alex.createChat([ghost]);
      await atOnce(30, () => ghost.send(chat, 'text'));
      await alex.send(chat, 'last');
      // The ghost leaves first, so that the erasure does not find the chat through a membership.
      await remove(ghost, chat, ghost);
      const deletions = atOnce(30, (n) => alex.delete(`/api/chats/${chat}/messages/${n + 1}`));
      expect(await ghost.delete(`/api/users/${ghost.username}`)).toEqual(SUCCESS);
      expect((await deletions).filter(({ status }) => status !== 200 && status !== 400)).toEqual([]);
      expect(await alex.texts(chat)).toEqual(['first', 'last']);
    },
  );
});
