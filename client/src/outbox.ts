import { repeat } from './backoff.js';
import { isChatGone, isRefusal, isUnauthorized, notLoggedIn, ParleyError } from './errors.js';
import type { Http } from './http.js';
import type { Signal } from './signal.js';
import type { ClientStorage } from './storage.js';
import type { Sent } from './types.js';

/** The server knows a key for 24 hours. After a lost answer, a later repeat could send the message twice. */
const KEY_LIFETIME_MS = 23 * 3_600_000;

type State = 'pending' | 'sent' | 'failed';

/** A message that is on its way, or was refused. */
export interface OutgoingMessage {
  readonly key: string;
  readonly chat: string;
  readonly message: string;
  readonly state: Exclude<State, 'sent'>;
  /** Why it failed. */
  readonly error: ParleyError | undefined;
}

/** What becomes of a message. */
export interface Delivery {
  /** The idempotency key. */
  readonly key: string;
  readonly state: State;
  /** Resolves when the server has the message, and rejects with a `ParleyError` when the message has failed. */
  readonly sent: Promise<Sent>;
}

interface Entry extends Delivery {
  readonly chat: string;
  readonly message: string;
  state: State;
  error: ParleyError | undefined;
  /** When it was first tried, in milliseconds since 1970. */
  triedAt: number | undefined;
  resolve(sent: Sent): void;
  reject(error: ParleyError): void;
}

/** What is stored of a message. */
type Kept = Pick<Entry, 'key' | 'chat' | 'message' | 'triedAt'> & {
  error?: Pick<ParleyError, 'code' | 'message' | 'status' | 'field'> | undefined;
};

interface Listener {
  /** `isReplayed` says that an earlier request had sent the message. */
  onSent(message: OutgoingMessage, sent: Sent, isReplayed: boolean): void;
  onChange(chat: string): void;
}

interface Run {
  signal: AbortSignal;
  stop(): void;
  /** Chats of which a message is under way. */
  busy: Set<string>;
}

/**
 * Sends each message exactly once, and those of a chat in their order. One request of a chat is under way at a time, and it is
 * repeated under its key until the server acknowledges or refuses it.
 */
export class Outbox {
  private entries: Entry[] = [];
  private run: Run | undefined;
  /** The item of the storage. */
  private item: string | undefined;
  private stored: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly http: Http,
    private readonly storage: ClientStorage | undefined,
    private readonly retrySignal: Signal,
    private readonly listener: Listener,
  ) {}

  /** Sends what waits for the user, and from now on what is given to {@link send}. */
  start(username: string): void {
    if (this.run) return;
    const controller = new AbortController();
    this.run = { signal: controller.signal, stop: () => controller.abort(), busy: new Set() };
    const item = `parley-outbox ${this.http.url} ${username}`;
    if (item === this.item) return this.workOnAll();
    this.entries = [];
    this.item = item;
    this.access(async (storage) => {
      const kept = await readKept(storage, item);
      if (item !== this.item) return;
      this.merge(kept);
      this.workOnAll();
    });
  }

  /** Tries nothing more until the next {@link start}. */
  stop(): void {
    this.run?.stop();
    this.run = undefined;
  }

  /** Stops, and forgets the messages, which stay in the storage if there is one. */
  leave(): void {
    this.stop();
    this.item = undefined;
    for (const entry of this.entries) entry.reject(notLoggedIn());
    this.entries = [];
  }

  /** Those which are pending or failed, in their order. */
  messagesOf(chat: string): OutgoingMessage[] {
    return this.entries.filter((entry) => entry.chat === chat).map(viewOf);
  }

  /**
   * A key that is already under way stands for the same message.
   * @throws ParleyError (invalid_field) unless the key has 1 to 255 visible ASCII characters.
   */
  send(chat: string, message: string, key: string): Delivery {
    if (!KEY.test(key)) throw invalidKey();
    const known = this.entries.find((entry) => entry.key === key);
    if (known?.state === 'pending') return known;
    return this.add({ chat, message, key });
  }

  /** Tries a message that has failed once more, after those which wait. */
  retry(key: string): Delivery | undefined {
    const failed = this.entries.find((entry) => entry.key === key && entry.state === 'failed');
    return failed && this.add(failed);
  }

  /** Forgets a message that has failed. */
  discard(key: string): void {
    const failed = this.entries.find((entry) => entry.key === key && entry.state === 'failed');
    if (failed) this.remove(failed);
  }

  /** A message may have been sent again, under its key, before the storage was read. */
  private merge(kept: Kept[]): void {
    const again = new Map(this.entries.map((entry) => [entry.key, entry]));
    this.entries = [...kept.filter(({ key }) => !again.has(key)).map(entryOf), ...this.entries];
    for (const { key, chat, triedAt, error } of kept) {
      const entry = again.get(key);
      if (entry && !error) {
        entry.triedAt = triedAt;
        this.keep(entry);
      }
      this.listener.onChange(chat);
    }
  }

  private add({ key, chat, message }: Pick<Entry, 'key' | 'chat' | 'message'>): Entry {
    const entry = entryOf({ key, chat, message, triedAt: undefined });
    this.entries = [...this.entries.filter((other) => other.key !== key), entry];
    this.keep(entry);
    this.listener.onChange(chat);
    void this.work(chat);
    return entry;
  }

  private remove(entry: Entry): void {
    this.entries = this.entries.filter((other) => other !== entry);
    this.save((kept) => kept.filter(({ key }) => key !== entry.key));
    this.listener.onChange(entry.chat);
  }

  private workOnAll(): void {
    for (const chat of new Set(this.entries.map((entry) => entry.chat))) void this.work(chat);
  }

  private async work(chat: string): Promise<void> {
    const { run } = this;
    if (!run || run.busy.has(chat)) return;
    run.busy.add(chat);
    try {
      // What was kept by an earlier run comes first.
      await this.stored;
      const next = () => this.entries.find((entry) => entry.chat === chat && entry.state === 'pending');
      for (let entry = next(); entry && !run.signal.aborted; entry = next()) {
        await this.deliver(entry, run.signal);
      }
    } catch {
      // Stopped, or the token was refused: the next start goes on.
    } finally {
      run.busy.delete(chat);
    }
  }

  private async deliver(entry: Entry, signal: AbortSignal): Promise<void> {
    try {
      if (entry.triedAt === undefined) {
        entry.triedAt = Date.now();
        this.keep(entry);
        await this.stored;
      }
      const { sent, isReplayed } = await repeat(() => this.post(entry, signal), this.retrySignal, signal);
      signal.throwIfAborted();
      const view = viewOf(entry);
      entry.state = 'sent';
      this.listener.onSent(view, sent, isReplayed);
      this.remove(entry);
      entry.resolve(sent);
    } catch (error) {
      signal.throwIfAborted();
      if (isUnauthorized(error)) throw error;
      this.fail(entry, isRefusal(error) ? error : outcomeUnknown(error));
    }
  }

  private async post({ key, chat, message, triedAt = 0 }: Entry, signal: AbortSignal) {
    if (Date.now() - triedAt > KEY_LIFETIME_MS) throw new Error('expired key');
    const { data, response } = await this.http.api.POST('/api/chats/{chat}/messages', {
      params: { path: { chat }, header: { 'Idempotency-Key': key } },
      body: { type: 'message', message },
      signal,
    });
    const { index, timestamp } = data.data;
    return { sent: { index, timestamp }, isReplayed: response.headers.has('idempotency-replayed') };
  }

  private fail(entry: Entry, error: ParleyError): void {
    entry.state = 'failed';
    entry.error = error;
    entry.reject(error);
    // Nobody can try again in a chat that is gone.
    if (isChatGone(error)) return this.remove(entry);
    this.keep(entry);
    this.listener.onChange(entry.chat);
  }

  private keep({ key, chat, message, triedAt, error }: Entry): void {
    const reason = error && {
      code: error.code,
      message: error.message,
      status: error.status,
      field: error.field,
    };
    this.save((kept) => {
      const entry = { key, chat, message, triedAt, error: reason };
      const isKnown = kept.some((other) => other.key === key);
      return isKnown ? kept.map((other) => (other.key === key ? entry : other)) : [...kept, entry];
    });
  }

  /**
   * Other pages may keep messages under the same name, so each change reads the list anew, under a lock. Browsers have locks on
   * pages that came over HTTPS or from this machine.
   */
  private save(change: (kept: Kept[]) => Kept[]): void {
    const { item } = this;
    if (item === undefined) return;
    this.access(async (storage) => {
      const save = async () => {
        const kept = change(await readKept(storage, item));
        await (kept.length > 0 ? storage.setItem(item, JSON.stringify(kept)) : storage.removeItem(item));
      };
      const { locks } = (globalThis as { navigator?: Partial<Navigator> }).navigator ?? {};
      await (locks ? locks.request(item, save) : save());
    });
  }

  /** One access after the other. A storage that fails, because it is full for instance, must not keep messages from being sent. */
  private access(work: (storage: ClientStorage) => Promise<void>): void {
    const { storage } = this;
    if (storage) this.stored = this.stored.then(() => work(storage)).catch(() => {});
  }
}

/** What the server takes as an idempotency key. */
const KEY = /^[!-~]{1,255}$/;

const invalidKey = () =>
  new ParleyError('invalid_field', "'key' must be visible ASCII", {
    status: 400,
    field: 'key',
  });

const outcomeUnknown = (cause: unknown) =>
  new ParleyError('unavailable', 'it is unknown whether the message was sent', {
    status: 0,
    cause,
  });

async function readKept(storage: ClientStorage, item: string): Promise<Kept[]> {
  return JSON.parse((await storage.getItem(item)) ?? '[]') as Kept[];
}

function entryOf({ key, chat, message, triedAt, error }: Kept): Entry {
  const settle: Partial<Pick<Entry, 'resolve' | 'reject'>> = {};
  const sent = new Promise<Sent>((resolve, reject) => Object.assign(settle, { resolve, reject }));
  // A rejection that no one handles would end a Node.js process.
  sent.catch(() => {});
  const reason = error && new ParleyError(error.code, error.message, error);
  const { resolve, reject } = settle as Required<typeof settle>;
  return {
    key,
    chat,
    message,
    triedAt,
    state: reason ? 'failed' : 'pending',
    error: reason,
    sent,
    resolve,
    reject,
  };
}

function viewOf({ key, chat, message, state, error }: Entry): OutgoingMessage {
  return { key, chat, message, state: state === 'failed' ? 'failed' : 'pending', error };
}
