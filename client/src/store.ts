import { repeat } from './backoff.js';
import { ChatRecord, type ChatState, type Window } from './chat-record.js';
import { isChatGone, isRefusal, notLoggedIn, unreachable } from './errors.js';
import type { ConnectionState } from './follower.js';
import type { Api, Http } from './http.js';
import type { OutgoingMessage } from './outbox.js';
import type { Signal } from './signal.js';
import type { Chat, EventOf, LiveEvent, Ready, Sent, User } from './types.js';

/** Messages of a page of history. */
const PAGE_SIZE = 50;

/** After a gap, an open chat keeps its place in the history if it can be read anew in one call. */
const MAX_RELOADED = 1000;

const CHATS_PAGE_SIZE = 100;

/** The server tells every 2 s that somebody types. */
const TYPING_MS = 5_000;

/** What a page shows. It never changes: a change makes a new one. */
export interface StoreState {
  readonly connection: ConnectionState;
  /** Whether `chats` are all chats of the user. */
  readonly isLoaded: boolean;
  /** The latest activity first. */
  readonly chats: readonly ChatState[];
}

/** What belongs to one session. */
interface Contents {
  user: User;
  records: Map<string, ChatRecord>;
  /** Chats whose messages are shown. */
  opened: Set<string>;
  /** Open chats whose messages have to be read anew. */
  stale: Set<string>;
  isLoaded: boolean;
  /** What happened since the oldest of the loads under way began. */
  journal: LiveEvent[];
  loads: number;
  /** Work under way by its name. */
  tasks: Map<string, Task>;
  typing: Map<string, ReturnType<typeof setTimeout>>;
  end: AbortController;
}

interface Task {
  /** Whether to run once more, because another call came after this run had begun. */
  again: boolean;
  done: Promise<void>;
}

/** The chats of the user, for a page. */
export type Store = Pick<
  ChatStore,
  'subscribe' | 'getSnapshot' | 'open' | 'close' | 'loadOlder' | 'markRead'
>;

/** Keeps the user's chats up to date, as `useSyncExternalStore` wants it. Events and loads may come in any order. */
export class ChatStore {
  private contents: Contents | undefined;
  private connection: ConnectionState = 'idle';
  private state: StoreState | undefined;
  private readonly listeners = new Set<() => void>();
  private isNotifying = false;

  constructor(
    private readonly http: Http,
    private readonly retrySignal: Signal,
    private readonly outgoingOf: (chat: string) => OutgoingMessage[],
  ) {}

  /** Calls the listener after changes. Returns a function that ends this. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Returns the same state until something changes. */
  readonly getSnapshot = (): StoreState => {
    const { contents, connection } = this;
    this.state ??= {
      connection,
      isLoaded: contents?.isLoaded ?? false,
      chats: contents
        ? [...contents.records]
            .toSorted(([, a], [, b]) => b.activity - a.activity)
            .map(([uuid, record]) => record.view(() => this.outgoingOf(uuid)))
        : [],
    };
    return this.state;
  };

  /** Shows the newest messages of a chat. Resolves when they are there. */
  async open(chat: string): Promise<void> {
    const contents = this.requireContents();
    if (contents.opened.has(chat) && contents.records.get(chat)?.window) return;
    contents.opened.add(chat);
    await this.loadChat(contents, chat);
  }

  /** Forgets the messages of a chat. */
  close(chat: string): void {
    this.contents?.opened.delete(chat);
    this.contents?.records.get(chat)?.setWindow(undefined);
    this.changed();
  }

  /** Reads one more page of the history of an open chat. */
  async loadOlder(chat: string): Promise<void> {
    const contents = this.requireContents();
    const name = `older ${chat}`;
    await (contents.tasks.get(name)?.done ?? this.run(contents, name, () => this.readOlder(contents, chat)));
  }

  /** Tells the server that everything in the chat is read. */
  markRead(chat: string): void {
    const { contents } = this;
    const record = () => contents?.records.get(chat);
    const index = record()?.unreadIndex;
    if (!contents || index === undefined) return;
    record()?.moveMarker(index);
    this.changed();
    this.inBackground(
      this.run(contents, `read ${chat}`, async () => {
        // It may have moved on meanwhile.
        const body = { index: Math.max(index, record()?.marker ?? 0) };
        const params = { path: { chat } };
        await this.call(contents, (api, signal) =>
          api.PUT('/api/chats/{chat}/read', { params, body, signal }),
        );
      }),
    );
  }

  /** Forgets all chats, and starts for a user. If the user is the same, open chats stay open. */
  begin(user: User): void {
    const { contents } = this;
    this.clear();
    this.contents = {
      user,
      records: new Map(),
      opened: new Set(contents?.user.username === user.username ? contents.opened : []),
      stale: new Set(),
      isLoaded: false,
      journal: [],
      loads: 0,
      tasks: new Map(),
      typing: new Map(),
      end: new AbortController(),
    };
  }

  /** Forgets everything. */
  clear(): void {
    const { contents } = this;
    this.contents = undefined;
    contents?.end.abort();
    for (const timer of contents?.typing.values() ?? []) clearTimeout(timer);
    this.changed();
  }

  setConnection(connection: ConnectionState): void {
    this.connection = connection;
    this.changed();
  }

  /** Applies an event of the stream. */
  take(event: LiveEvent | Ready): void {
    const { contents } = this;
    if (!contents) return;
    if (event.type === 'ready') {
      if (!event.recovered || !contents.isLoaded) this.load();
      return;
    }
    if (contents.loads > 0) contents.journal.push(event);
    this.apply(contents, event);
    this.changed();
  }

  /** Loads all chats anew. */
  load(): void {
    const { contents } = this;
    if (contents) this.inBackground(this.run(contents, 'chats', () => this.loadChats(contents)));
  }

  /** A message of this client has arrived at the server: before, and may be edited or deleted since, if it is a replay. */
  acknowledge(
    { key, chat, message: text }: OutgoingMessage,
    { index, timestamp }: Sent,
    isReplayed: boolean,
  ): void {
    const { contents } = this;
    const record = contents?.records.get(chat);
    if (!contents || !record) return;
    const sender = contents.user;
    const message = {
      index,
      timestamp,
      sender,
      message: text,
      type: 'message' as const,
      file: null,
      edited: null,
    };
    if (isReplayed) contents.stale.add(chat);
    if (record.acknowledge(message, key, isReplayed) || isReplayed) this.refresh(contents, chat);
    this.changed();
  }

  /** What the client sends in a chat has changed. */
  outgoingChanged(chat: string): void {
    this.contents?.records.get(chat)?.touch();
    this.changed();
  }

  private apply(contents: Contents, event: LiveEvent): void {
    const { records, opened, stale, isLoaded, user } = contents;
    const { chat, type } = event;
    const record = records.get(chat);
    if (type === 'chat.removed') {
      records.delete(chat);
      opened.delete(chat);
    } else if (type === 'chat.added' && !record) {
      records.set(chat, new ChatRecord(event.data, user.username));
    } else if (record) {
      if (type === 'typing') this.expectTyping(contents, record, event);
      const isIncomplete = record.apply(event);
      if (type === 'chat.limited' || type === 'chat.added') stale.add(chat);
      if (isIncomplete || type === 'chat.limited' || stale.has(chat)) this.refresh(contents, chat);
    } else if (type !== 'typing' && isLoaded) {
      // It moved up while the list was read page by page.
      this.refresh(contents, chat);
    }
  }

  private expectTyping({ typing }: Contents, record: ChatRecord, { chat, data }: EventOf<'typing'>): void {
    const name = `${chat} ${data.username}`;
    clearTimeout(typing.get(name));
    const timer = setTimeout(() => {
      typing.delete(name);
      record.stopTyping(data.username);
      this.changed();
    }, TYPING_MS);
    typing.set(name, timer);
  }

  private refresh(contents: Contents, chat: string): void {
    this.inBackground(this.loadChat(contents, chat));
  }

  private async loadChats(contents: Contents): Promise<void> {
    const { records, opened, stale, user } = contents;
    await this.journaled(contents, async () => {
      const chats: Chat[] = [];
      for (let after: string | null | undefined; after !== null;) {
        const query = { limit: CHATS_PAGE_SIZE, ...(after && { after }) };
        const { data } = await this.read(contents, (api, signal) =>
          api.GET('/api/chats', { params: { query }, signal }),
        );
        chats.push(...data.data);
        after = data.next ?? null;
      }
      return () => {
        const before = new Map(records);
        records.clear();
        const activities = activitiesOf(chats);
        for (const [n, chat] of chats.entries()) {
          const record = new ChatRecord(chat, user.username, activities[n]);
          record.setWindow(before.get(chat.uuid)?.window);
          records.set(chat.uuid, record);
        }
        contents.isLoaded = true;
        for (const chat of opened) {
          stale.add(chat);
          this.refresh(contents, chat);
        }
      };
    });
  }

  /** Reads a chat anew, and its messages if they are shown and missing. */
  private loadChat(contents: Contents, chat: string): Promise<void> {
    const { records, opened, stale, user } = contents;
    const params = { path: { chat } };
    return this.run(contents, chat, () =>
      this.journaled(contents, async () => {
        const old = records.get(chat)?.window;
        const isStale = stale.delete(chat) || !old;
        // Before the chat, whose number of unread messages then counts all of them.
        const window = opened.has(chat) && isStale ? await this.readWindow(contents, chat, old) : undefined;
        const { data } = await this.read(contents, (api, signal) =>
          api.GET('/api/chats/{chat}', { params, signal }),
        );
        return () => {
          for (const found of data.data) {
            const record = records.get(chat) ?? new ChatRecord(found, user.username);
            records.set(chat, record);
            record.load(found);
            if (window && opened.has(chat)) record.setWindow(window);
          }
        };
      }),
    );
  }

  private async readWindow(contents: Contents, chat: string, old: Window | undefined): Promise<Window> {
    if (old) {
      const { from, hasOlder } = old;
      const after = from > 0 ? { after: from - 1 } : {};
      const messages = await this.readMessages(contents, chat, { per_page: MAX_RELOADED, ...after });
      if (messages.length < MAX_RELOADED) return { from, messages, hasOlder };
    }
    const newest = await this.readMessages(contents, chat, { per_page: PAGE_SIZE, order: 'desc' });
    return windowOf(newest.toReversed());
  }

  private async readOlder(contents: Contents, chat: string): Promise<void> {
    const window = () => contents.records.get(chat)?.window;
    const from = window()?.from;
    if (from === undefined || !window()?.hasOlder) return;
    await this.journaled(contents, async () => {
      const messages = await this.readMessages(contents, chat, { per_page: PAGE_SIZE, before: from });
      return () => {
        // Unless the messages were read anew meanwhile.
        if (window()?.from === from) contents.records.get(chat)?.addOlder(windowOf(messages));
      };
    });
  }

  private async readMessages(
    contents: Contents,
    chat: string,
    query: { per_page: number; before?: number; after?: number; order?: 'desc' },
  ) {
    const params = { path: { chat }, query };
    const { data } = await this.read(contents, (api, signal) =>
      api.GET('/api/chats/{chat}/messages', { params, signal }),
    );
    return data.data.messages;
  }

  /**
   * Runs a load, puts its result in place, and applies the events of the meantime again, because the result may be older than
   * they are.
   */
  private async journaled(contents: Contents, load: () => Promise<() => void>): Promise<void> {
    const begin = contents.journal.length;
    contents.loads += 1;
    try {
      const put = await load();
      contents.end.signal.throwIfAborted();
      put();
      for (const event of contents.journal.slice(begin)) this.apply(contents, event);
      this.changed();
    } finally {
      contents.loads -= 1;
      if (contents.loads === 0) contents.journal = [];
    }
  }

  /** Runs one work of a name at a time. If there is a reason for another one meanwhile, it runs once more. */
  private run({ tasks }: Contents, name: string, work: () => Promise<void>): Promise<void> {
    const running = tasks.get(name);
    if (running) {
      running.again = true;
      return running.done;
    }
    const task: Task = { again: true, done: Promise.resolve() };
    tasks.set(name, task);
    const repeatedly = async () => {
      while (task.again) {
        task.again = false;
        await work();
      }
    };
    task.done = repeatedly().finally(() => tasks.delete(name));
    return task.done;
  }

  /** Reads until there is an answer. A proxy's refusal may be over soon. */
  private read<T>(contents: Contents, work: (api: Api, signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.call(contents, async (api, signal) => {
      try {
        return await work(api, signal);
      } catch (error) {
        const isFinal = isChatGone(error) || !isRefusal(error) || error.code === 'invalid_field';
        throw isFinal ? error : unreachable(error);
      }
    });
  }

  /** Calls until there is an answer. */
  private call<T>(contents: Contents, work: (api: Api, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = contents.end;
    return repeat(() => work(this.http.api, signal), this.retrySignal, signal);
  }

  /** A refusal says that the chat is gone, which is told as well. After a refused token everything is loaded anew. */
  private inBackground(work: Promise<void>): void {
    work.catch(() => {});
  }

  private requireContents(): Contents {
    if (!this.contents) throw notLoggedIn();
    return this.contents;
  }

  /** Tells the listeners once of what happens at the same time. */
  private changed(): void {
    this.state = undefined;
    if (this.isNotifying) return;
    this.isNotifying = true;
    queueMicrotask(() => {
      this.isNotifying = false;
      for (const listener of this.listeners) listener();
    });
  }
}

function windowOf(messages: Window['messages']): Window {
  const hasOlder = messages.length === PAGE_SIZE;
  return { from: hasOlder ? (messages[0]?.index ?? 0) : 0, messages, hasOlder };
}

/** Returns when each chat of a list was active last. A chat whose newest message is deleted keeps its place in the list. */
function activitiesOf(chats: Chat[]): number[] {
  let activity = 0;
  return chats
    .toReversed()
    .map(({ messages }) => (activity = Math.max(activity, messages.at(-1)?.timestamp ?? 0)))
    .toReversed();
}
