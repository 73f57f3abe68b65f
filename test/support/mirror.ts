import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { Follow, LiveClient } from './live.js';
import { expectSuccess, type Json, type Member, type Parley } from './parley.js';

interface MirroredChat {
  name: string;
  owner: string | null;
  room_id: number | null;
  /** By seniority. */
  users: Json[];
  read: number | null;
  /** By index. */
  messages: Map<number, Json>;
}

/** What a connection has told of one chat. */
interface Told {
  /** Events of the chat are due again only after `chat.added`. */
  isRemoved: boolean;
  /** Indexes of `message.created`. */
  created: Set<number>;
  lastCreated: number;
}

/** The client may not load what it wants: the user is no member any more, or the chat is deleted. */
const GONE = ['not_a_member', 'chat_not_found'];

/**
 * Keeps a user's chats from events alone, as the contract has clients do it: it loads by REST only what it is told to load.
 * Checks the rules of the order of events. An event counts as seen once it is applied, so {@link disconnect} drops the rest.
 */
export class Mirror {
  /** The client of the server that runs. */
  parley: Parley;
  /** Whether the server has refused the token. */
  isRefused = false;
  private readonly chats = new Map<string, MirroredChat>();
  /** Where to resume. */
  private lastId?: string;
  private isLoaded = false;
  private client?: LiveClient;
  /** Events of the client that are applied. */
  private applied = 0;
  private told = new Map<string, Told>();
  /** Chats that the user has left before `chat.added` or the list of chats could tell of them: `chat.removed` is due. */
  private readonly unknown = new Map<string, string>();
  private work: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly member: Member,
    private readonly follow: Follow,
    /** Whether a connection never tells a message twice. Each poll is a connection of its own. */
    private readonly isStrict: boolean,
  ) {
    this.parley = member.parley;
  }

  get isConnected(): boolean {
    return this.client !== undefined && !this.client.hasEnded;
  }

  /** Resumes after the last event, unless it is connected. */
  connect(): Promise<void> {
    return this.inTurn(async () => {
      if (this.isConnected || this.isRefused) return;
      const { token } = this.member;
      const client = await this.follow({ parley: this.parley, token }, this.lastId).catch(
        (error: unknown) => {
          if (!String(error).includes('token_invalid')) throw error;
          this.isRefused = true;
        },
      );
      if (!client?.isReady) {
        this.isRefused ||= client?.ending?.code === 4401;
        return;
      }
      Object.assign(this, { client, applied: 0, told: new Map() });
      this.lastId ??= client.readyId;
      if (!client.recovered) {
        this.isLoaded = false;
        this.lastId = client.readyId;
      }
      if (!this.isLoaded) await this.loadAll();
    });
  }

  /** Applies up to so many events of those that have come. */
  catchUp(count = Infinity): Promise<void> {
    return this.inTurn(async () => {
      const { client } = this;
      if (!client || !this.isLoaded) return;
      for (let n = 0; n < count && this.applied < client.events.length; n += 1) {
        const event = client.events[this.applied];
        this.check(event);
        await this.apply(event);
        this.applied += 1;
        if (event.id !== undefined) this.lastId = event.id;
      }
    });
  }

  /** Loses the events that have come and are not applied. */
  disconnect(): Promise<void> {
    return this.inTurn(async () => {
      this.client?.close();
      this.client = undefined;
    });
  }

  /** Returns what the mirror shows, in the form of {@link load}. */
  get view(): Json[] {
    return [...this.chats].map(([uuid, chat]) => viewOf(uuid, chat)).toSorted(byUuid);
  }

  /** Resolves when REST shows the same, or fails with the difference. After the end of the token nothing must be told. */
  async expectEqual(ms = 5_000): Promise<void> {
    const deadline = Date.now() + ms;
    for (;;) {
      await this.connect();
      await this.catchUp();
      if (this.isRefused) return this.expectEnd();
      const shown = await this.load();
      if (this.isLoaded && this.unknown.size === 0 && isDeepStrictEqual(this.view, shown)) return;
      if (Date.now() > deadline) {
        expect(this.view, JSON.stringify(this.client?.events)).toEqual(shown);
        expect([...this.unknown.values()]).toEqual([]);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  private async expectEnd(): Promise<void> {
    if (!this.client) return;
    expect(['token_invalid', 4401]).toContain((await this.client.waitForEnd())?.code);
    expect(this.client.late).toEqual([]);
  }

  /** Returns what REST shows. */
  private async load(): Promise<Json[]> {
    const chats = (await this.get('/api/chats')) ?? [];
    const all = await Promise.all(chats.map((chat: Json) => this.loadMessages(chat.uuid)));
    return chats
      .map(({ uuid, name, owner, room_id, users, read, unread }: Json, n: number) => {
        return { uuid, name, owner, room_id, users, read, unread, messages: all[n] };
      })
      .toSorted(byUuid);
  }

  /** Runs one piece of work after the other. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.work.then(work);
    this.work = done.catch(() => {});
    return done;
  }

  /** Returns undefined for what the user may not see any more. */
  private async get(path: string): Promise<Json> {
    const answer = await this.parley.get(path, { token: this.member.token });
    if (answer.status === 401) this.isRefused = true;
    if (answer.status === 401 || GONE.includes(answer.body.code)) return undefined;
    return expectSuccess(answer).data;
  }

  private async loadAll(): Promise<void> {
    const chats: Json[] = (await this.get('/api/chats')) ?? [];
    this.chats.clear();
    await Promise.all(chats.map((chat) => this.put(chat)));
    this.isLoaded = true;
  }

  private async loadChat(uuid: string): Promise<void> {
    const [chat] = (await this.get(`/api/chats/${uuid}`)) ?? [];
    if (chat) await this.put(chat);
  }

  private async loadMarker(uuid: string, chat: MirroredChat): Promise<void> {
    const [shown] = (await this.get(`/api/chats/${uuid}`)) ?? [];
    if (shown) chat.read = shown.read;
  }

  private async put({ uuid, name, owner, room_id, users, read }: Json): Promise<void> {
    // If the user may not see them any more, `chat.removed` is on its way.
    const messages = (await this.loadMessages(uuid)) ?? [];
    const byIndex = new Map(messages.map((message) => [message.index, message]));
    this.chats.set(uuid, { name, owner, room_id, users, read, messages: byIndex });
  }

  private async loadMessages(uuid: string): Promise<Json[] | undefined> {
    const path = `/api/chats/${uuid}/messages?per_page=1000`;
    const messages: Json[] = [];
    for (let part = ''; ; part = `&after=${messages.at(-1).index}`) {
      const page = await this.get(path + part);
      if (!page) return undefined;
      messages.push(...page.messages);
      if (page.messages.length < 1000) return messages;
    }
  }

  private check({ type, chat, data }: Json): void {
    const told = this.told.get(chat) ?? { isRemoved: false, created: new Set(), lastCreated: -1 };
    this.told.set(chat, told);
    const where = () => `${type} ${chat} among ${JSON.stringify(this.client?.events)}`;
    if (type === 'chat.added' || type === 'chat.limited')
      Object.assign(told, { created: new Set(), lastCreated: -1 });
    if (type === 'chat.added' || type === 'chat.removed') {
      told.isRemoved = type === 'chat.removed';
      this.unknown.delete(chat);
    } else {
      expect(told.isRemoved, `after chat.removed: ${where()}`).toBe(false);
      if (!this.chats.has(chat)) this.unknown.set(chat, where());
    }
    if (type !== 'message.created') return;
    const { index } = data;
    const isRepeated = !this.isStrict && told.created.has(index);
    if (!isRepeated) expect(index, `order: ${where()}`).toBeGreaterThan(told.lastCreated);
    told.created.add(index);
    told.lastCreated = Math.max(told.lastCreated, index);
  }

  private async apply({ type, chat: uuid, data }: Json): Promise<void> {
    if (type === 'chat.added') return this.put(data);
    if (type === 'chat.limited') return this.loadChat(uuid);
    if (type === 'chat.removed') this.chats.delete(uuid);
    const chat = this.chats.get(uuid);
    if (!chat) return;
    const withoutUser = () => chat.users.filter(({ username }) => username !== data.user.username);
    switch (type) {
      case 'message.created':
      case 'message.updated':
        chat.messages.set(data.index, data);
        // Sending moves the sender's own marker.
        if (data.sender.username === this.member.username) chat.read = Math.max(chat.read ?? -1, data.index);
        return;
      case 'message.deleted':
        // An own message that was sent and deleted while the client was away has moved the marker, and only the deletion is told.
        if (!chat.messages.delete(data.index)) await this.loadMarker(uuid, chat);
        return;
      case 'chat.updated':
        Object.assign(chat, data);
        return;
      case 'chat.read':
        if (data.index !== null) chat.read = Math.max(chat.read ?? -1, data.index);
        return;
      case 'member.added':
        // Whoever was away is junior to all others.
        chat.users = [...withoutUser(), data.user];
        return;
      case 'member.removed':
        chat.users = withoutUser();
    }
  }
}

function viewOf(uuid: string, { name, owner, room_id, users, read, messages }: MirroredChat) {
  const all = [...messages.values()].toSorted((a, b) => a.index - b.index);
  const unread = Math.min(all.filter(({ index }) => index > (read ?? -1)).length, 100);
  return { uuid, name, owner, room_id, users, read, unread, messages: all };
}

const byUuid = (a: Json, b: Json) => (a.uuid < b.uuid ? -1 : 1);
