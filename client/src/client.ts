import { Emitter } from './emitter.js';
import { notLoggedIn, tokenRefused } from './errors.js';
import { download, upload, type Uploaded, type UploadOptions } from './files.js';
import { type ClientEvents, type ConnectionState, Follower } from './follower.js';
import { type Api, Http } from './http.js';
import { watchNetwork } from './network.js';
import { type Delivery, Outbox } from './outbox.js';
import { hashPassword } from './password.js';
import { randomKey } from './random-key.js';
import { Signal } from './signal.js';
import type { ClientStorage } from './storage.js';
import { ChatStore, type Store } from './store.js';
import type { LiveEvent, Ready, Registration, Session } from './types.js';

/** The server drops what comes more often. */
const TYPING_MS = 2_000;

export interface ClientOptions {
  /** The address of the server, without `/api`. */
  url: string;
  /** What {@link ParleyClient.login} returned before. */
  session?: Session;
  /** Keeps messages that are not sent yet. Without one they are lost when the program ends. */
  storage?: ClientStorage;
  /** The `id` of the last event that was handled: events begin after it. */
  since?: string;
}

/** A user's connection to a Parley server. Calls throw a `ParleyError` unless they succeed. */
export class ParleyClient {
  /** Every call of the OpenAPI document. */
  readonly api: Api;
  private readonly http: Http;
  private readonly emitter = new Emitter<ClientEvents>();
  private readonly networkChanged = new Signal();
  /** Calls that wait are worth another try. */
  private readonly retrySignal = new Signal();
  private readonly follower: Follower;
  private readonly outbox: Outbox;
  private readonly chatStore: ChatStore;
  private readonly typedAt = new Map<string, number>();
  private present: Session | undefined;
  private lastUsername: string | undefined;
  private isFollowing = false;
  private isStoring = false;
  private stopWatching: (() => void) | undefined;
  private sessionEnd = new AbortController();

  constructor({ url, session, storage, since }: ClientOptions) {
    this.http = new Http({
      url,
      getToken: () => this.present?.token,
      onUnauthorized: () => this.pause('refused'),
    });
    this.api = this.http.api;
    this.follower = new Follower(this.http, this.emitter, this.networkChanged);
    this.follower.lastId = since;
    this.outbox = new Outbox(this.http, storage, this.retrySignal, {
      onSent: (message, sent, isReplayed) => this.chatStore.acknowledge(message, sent, isReplayed),
      onChange: (chat) => this.chatStore.outgoingChanged(chat),
    });
    this.chatStore = new ChatStore(this.http, this.retrySignal, (chat) => this.outbox.messagesOf(chat));
    this.emitter.on('event', (event) => this.chatStore.take(event));
    this.emitter.on('connection', (state) => this.chatStore.setConnection(state));
    this.networkChanged.on(this.retrySignal.notify);
    this.emitter.on('ready', this.retrySignal.notify);
    if (session) this.begin(session);
  }

  /** Who is logged in, and with which token. Keep it to go on later without a password. */
  get session(): Session | undefined {
    return this.present;
  }

  get connection(): ConnectionState {
    return this.follower.state;
  }

  /** The `id` of the last event that all listeners have been told of. */
  get lastId(): string | undefined {
    return this.follower.lastId;
  }

  /** Registers a user. Log in afterwards. */
  async signUp({ password, ...user }: Registration): Promise<void> {
    await this.api.POST('/api/users', { body: { ...user, password: hashPassword(password) } });
  }

  async login(username: string, password: string): Promise<Session> {
    const body = { username, password: hashPassword(password) };
    const { token } = (await this.api.POST('/api/auth/login', { body })).data.data;
    const { data } = await this.api.GET('/api/users/{user}', {
      params: { path: { user: username } },
      headers: { authorization: token },
    });
    const session = { token, user: { username: data.data.username, name: data.data.name } };
    this.begin(session);
    return session;
  }

  /** Ends the session, here in any case and on the server if it can be reached. */
  async logout(): Promise<void> {
    const { token } = this.requireSession();
    this.close();
    this.endSession();
    this.outbox.leave();
    this.chatStore.clear();
    this.present = undefined;
    // `keepalive` lets the request go on when the page is left.
    await this.api.GET('/api/auth/logout', { headers: { authorization: token }, keepalive: true });
  }

  /** Stops everything. What is not sent yet is in the storage, if there is one. */
  close(): void {
    this.isFollowing = false;
    this.pause('idle');
  }

  /** Calls the listener for events of a type, once {@link connect} or {@link follow} was called. Returns a function that ends this. */
  on<T extends keyof ClientEvents>(type: T, listener: (event: ClientEvents[T]) => void): () => void {
    return this.emitter.on(type, listener);
  }

  /** Follows what happens in the user's chats, from the next login on if nobody is logged in. */
  connect(): void {
    this.isFollowing = true;
    this.start();
  }

  /**
   * Returns everything that happens from now on, until {@link close} or the end of the loop. An event may come twice, and
   * `ready` with `recovered: false` says that some may be missing before it.
   * @throws ParleyError when the server refuses the token.
   */
  async *follow(): AsyncGenerator<LiveEvent | Ready, void, void> {
    const waiting: (LiveEvent | Ready)[] = [];
    let wake = () => {};
    const stopListening = this.on('event', (event) => {
      waiting.push(event);
      wake();
    });
    const stopWatching = this.on('connection', () => wake());
    try {
      this.connect();
      for (;;) {
        for (let event = waiting.shift(); event; event = waiting.shift()) yield event;
        if (this.connection === 'refused') throw tokenRefused();
        if (!this.isFollowing) return;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      stopListening();
      stopWatching();
    }
  }

  /** Follows the user's chats, and keeps them for a page. */
  store(): Store {
    if (!this.isStoring) {
      this.isStoring = true;
      if (this.present) this.chatStore.begin(this.present.user);
      if (this.connection === 'online') this.chatStore.load();
    }
    this.connect();
    return this.chatStore;
  }

  /**
   * Sends a text, after those which wait in the same chat. It is repeated until the server has it or refuses it. A key of your own
   * makes sure that one text is sent once even if the program is started again.
   */
  send(chat: string, text: string, { key = randomKey() }: { key?: string } = {}): Delivery {
    this.requireSession();
    return this.outbox.send(chat, text, key);
  }

  /** Sends a message that has failed once more. */
  retry(key: string): Delivery | undefined {
    return this.outbox.retry(key);
  }

  /** Forgets a message that has failed. */
  discard(key: string): void {
    this.outbox.discard(key);
  }

  /** Sends a file or an image. Resolves when the server has its bytes. */
  upload(chat: string, file: File, options: UploadOptions = {}): Promise<Uploaded> {
    this.requireSession();
    return upload(this.http, this.retrySignal, this.sessionEnd.signal, chat, file, options);
  }

  /** Resolves with the answer as soon as it begins: read it with `blob()`, or as a stream from `body`. */
  download(file: string, signal?: AbortSignal): Promise<Response> {
    return download(this.http, file, signal);
  }

  /** Tells the other members of a chat that the user types. Call it at each key. */
  typing(chat: string): void {
    const now = Date.now();
    if (now - (this.typedAt.get(chat) ?? 0) < TYPING_MS) return;
    this.typedAt.set(chat, now);
    // Nobody misses it.
    this.api.POST('/api/chats/{chat}/typing', { params: { path: { chat } } }).catch(() => {});
  }

  private begin(session: Session): void {
    const { username } = session.user;
    this.pause('idle');
    this.endSession();
    if (this.lastUsername !== undefined && this.lastUsername !== username) this.follower.lastId = undefined;
    this.lastUsername = username;
    this.present = session;
    if (this.isStoring) this.chatStore.begin(session.user);
    this.start();
  }

  private start(): void {
    if (!this.present) return;
    this.outbox.start(this.present.user.username);
    if (!this.isFollowing) return;
    this.follower.start();
    this.stopWatching ??= watchNetwork(this.networkChanged.notify);
  }

  private pause(state: 'idle' | 'refused'): void {
    this.follower.stop(state);
    this.outbox.stop();
    this.stopWatching?.();
    this.stopWatching = undefined;
  }

  /** Gives up uploads, which belong to the user of the session. */
  private endSession(): void {
    this.sessionEnd.abort(notLoggedIn());
    this.sessionEnd = new AbortController();
  }

  private requireSession(): Session {
    if (!this.present) throw notLoggedIn();
    return this.present;
  }
}
