import { type Message, ParleyClient, type StoreState } from '@parley/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ChaosProxy } from '../support/chaos-proxy.js';
import { freePort } from '../support/free-port.js';
import { createDatabase, DATABASE_KINDS } from '../support/mariadb.js';
import { seededRandom } from '../support/random.js';
import { ServerProcess } from '../support/server-process.js';
import { until } from '../support/until.js';

const SECONDS = 60;
const RESTARTS = 3;

/** Connections that are silent for good are noticed after a minute, and back-offs take up to 30 s. */
const SETTLE_MS = 150_000;

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 1_000_000));

/** A user with a page that is open, and with all texts that were sent from it. */
class Talker {
  readonly sent = new Map<string, string[]>();
  /** The index of each text in its chat, in the order of sending. */
  readonly deliveries: Promise<{ chat: string; index: number }>[] = [];
  readonly changes: Promise<unknown>[] = [];

  private constructor(
    readonly client: ParleyClient,
    private readonly random: () => number,
  ) {}

  static async join(url: string, proxyUrl: string, username: string, random: () => number): Promise<Talker> {
    const direct = new ParleyClient({ url });
    await direct.signUp({ username, password: username, email: `${username}@example.com`, name: username });
    const session = await direct.login(username, username);
    direct.close();
    return new Talker(new ParleyClient({ url: proxyUrl, session }), random);
  }

  get username(): string {
    return this.client.session?.user.username ?? '';
  }

  /** Sends, and sometimes edits, deletes, reads and types, until the time is over. */
  async talk(chats: string[], end: number): Promise<void> {
    for (let n = 0; Date.now() < end; n += 1) {
      const chat = chats[Math.floor(this.random() * chats.length)];
      const text = `${this.username} ${n}`;
      this.sent.set(chat, [...(this.sent.get(chat) ?? []), text]);
      this.deliveries.push(this.client.send(chat, text).sent.then(({ index }) => ({ chat, index })));
      if (this.random() < 0.1) this.change(chat);
      if (this.random() < 0.1) this.client.store().markRead(chat);
      this.client.typing(chat);
      await sleep(this.random() * 200);
    }
  }

  /** Edits or deletes the own message that was sent last. A call that fails may or may not have had an effect. */
  private change(chat: string): void {
    const shown = this.client
      .store()
      .getSnapshot()
      .chats.find(({ uuid }) => uuid === chat);
    const last = shown?.messages.findLast(({ sender }) => sender.username === this.username);
    if (!last) return;
    const params = { path: { chat, message: last.index } };
    const { api } = this.client;
    const call =
      this.random() < 0.5
        ? api.DELETE('/api/chats/{chat}/messages/{message}', { params })
        : api.PUT('/api/chats/{chat}/messages/{message}', {
            params,
            body: { message: `${last.message} (edited)` },
          });
    this.changes.push(call.catch(() => {}));
  }
}

/** Returns what REST shows, in the form of the store. */
async function readAll({ api }: ParleyClient, opened: string[]) {
  const { data } = await api.GET('/api/chats');
  return Promise.all(
    data.data.map(async ({ uuid, name, unread, read, messages: [latest] }) => ({
      uuid,
      name,
      unread,
      read,
      latest,
      messages: opened.includes(uuid) ? await readMessages(api, uuid) : [],
      outgoing: [],
    })),
  );
}

async function readMessages(api: ParleyClient['api'], chat: string): Promise<Message[]> {
  const messages: Message[] = [];
  for (let isFull = true; isFull;) {
    const query = { per_page: 1000, ...(messages.length > 0 && { after: messages.at(-1)!.index }) };
    const { data } = await api.GET('/api/chats/{chat}/messages', { params: { path: { chat }, query } });
    messages.push(...data.data.messages);
    isFull = data.data.messages.length === 1000;
  }
  return messages;
}

const viewOf = ({ chats }: StoreState) =>
  chats.map(({ uuid, name, unread, read, latest, messages, outgoing }) => {
    return { uuid, name, unread, read, latest, messages, outgoing };
  });

const withoutEdit = ({ message }: Message) => message.replaceAll(' (edited)', '');

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  test('two clients lose, double and reorder nothing behind a proxy that breaks everything', async () => {
    const random = seededRandom(SEED);
    const database = await createDatabase(kind);
    const port = await freePort();
    const start = () => ServerProcess.start(database, { PORT: String(port) });
    let server = await start();
    const proxy = await ChaosProxy.open(port, random);
    const talkers = await Promise.all(
      ['alex', 'sam'].map((name) => Talker.join(server.url, proxy.url, name, random)),
    );
    onTestFinished(async () => {
      for (const { client } of talkers) client.close();
      await proxy.close();
      await server.end('SIGKILL');
      await database.drop();
    });

    const direct = new ParleyClient({ url: server.url, session: talkers[0].client.session! });
    const chats = await Promise.all(
      ['opened', 'opened as well', 'closed'].map(async (name) => {
        const body = { name, users: ['alex', 'sam'], message: 'first' };
        return (await direct.api.POST('/api/chats', { body })).data.data.uuid;
      }),
    );
    const opened = chats.slice(0, 2);
    for (const { client } of talkers) for (const chat of opened) void client.store().open(chat);

    const end = Date.now() + SECONDS * 1000;
    const talking = talkers.map((talker) => talker.talk(chats, end));
    for (let n = 1; n <= RESTARTS; n += 1) {
      await sleep((SECONDS * 1000) / (RESTARTS + 1));
      await server.end('SIGKILL');
      server = await start();
    }
    await Promise.all(talking);
    proxy.isCalm = true;
    const count = talkers.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
    console.log(`${kind}, seed ${SEED}: ${count} messages`, proxy.counts);
    for (const [fault, times] of Object.entries(proxy.counts)) expect(times, fault).toBeGreaterThan(0);

    const delivered = await Promise.all(
      talkers.map(async ({ deliveries, changes }) => {
        await Promise.all(changes);
        return Promise.all(deliveries);
      }),
    );
    for (const chat of chats) {
      const indexes = delivered.map((all) =>
        all.filter((sent) => sent.chat === chat).map(({ index }) => index),
      );
      for (const own of indexes) expect(own, 'order').toEqual(own.toSorted((a, b) => a - b));
      // The chat's first message has index 0. A message that was doubled would leave a gap.
      const all = indexes.flat().toSorted((a, b) => a - b);
      expect(all).toEqual(all.map((_, n) => n + 1));
    }
    for (const { client } of talkers) {
      const shows = async () => viewOf(client.store().getSnapshot());
      const isEqual = async () =>
        JSON.stringify(await shows()) === JSON.stringify(await readAll(client, opened)) || undefined;
      await until('the store to show what REST shows', isEqual, SETTLE_MS).catch(async () => {
        expect(await shows()).toEqual(await readAll(client, opened));
      });
    }

    for (const chat of chats) {
      const messages = await readMessages(direct.api, chat);
      for (const { username, sent } of talkers) {
        const own = messages.filter(({ sender, index }) => index > 0 && sender.username === username);
        const indexes = own.map((message) => sent.get(chat)?.indexOf(withoutEdit(message)) ?? -1);
        // None is unknown, none comes twice, and all are in their order. Some are deleted.
        expect(indexes).toEqual([...new Set(indexes)].toSorted((a, b) => a - b));
        expect(indexes).not.toContain(-1);
      }
    }
  });
});
