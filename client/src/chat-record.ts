import type { OutgoingMessage } from './outbox.js';
import type { Chat, LiveEvent, Message } from './types.js';

/** The server counts unread messages up to here. */
const MAX_UNREAD = 100;

/** A chat as a page shows it. It never changes: a change makes a new one. */
export interface ChatState extends Omit<Chat, 'messages' | 'user_count'> {
  /** Whether there are more users than `users`, which then are the longest-standing ones. */
  readonly hasMoreUsers: boolean;
  /** The newest message, if any is left. */
  readonly latest: Message | undefined;
  /** Usernames of others who type. */
  readonly typing: readonly string[];
  /** Whether `messages` are there, see `Store.open`. */
  readonly isOpen: boolean;
  /** The newest messages without a gap, the oldest first. Empty until the chat is open. */
  readonly messages: readonly Message[];
  /** Whether `Store.loadOlder` would find more. */
  readonly hasOlder: boolean;
  /** What this client sends: behind `messages` until it is one of them. */
  readonly outgoing: readonly OutgoingMessage[];
}

/** The newest messages of a chat: all from one index on, by ascending index. */
export interface Window {
  from: number;
  messages: Message[];
  /** Whether there are messages before `from`. */
  hasOlder: boolean;
}

/**
 * What is known of one chat. Applying an event twice, or after it is already part of what was loaded, changes nothing.
 */
export class ChatRecord {
  window: Window | undefined;
  private head!: Omit<Chat, 'messages' | 'user_count' | 'read' | 'unread'>;
  private hasMoreUsers = false;
  private latest: Message | undefined;
  private read: number | null = null;
  /** Messages after the marker. Does not count while the window shows all of them. */
  private unread = 0;
  /** The greatest index that was told of. */
  private lastIndex = -1;
  private readonly typing = new Set<string>();
  /** The index after which an outgoing message will be stored, by key. */
  private readonly sentAfter = new Map<string, number>();
  private shown: ChatState | undefined;

  constructor(
    chat: Chat,
    private readonly username: string,
    /** Sorts chats: when the last message was sent. */
    public activity = 0,
  ) {
    this.load(chat);
  }

  /** Takes over what the server has answered. A marker that this client has just moved stays where it is. */
  load({ messages, user_count: userCount, read, unread, ...head }: Chat): void {
    this.head = head;
    this.hasMoreUsers = (userCount ?? head.users.length) > head.users.length;
    this.latest = messages.at(-1);
    if (this.latest) this.note(this.latest);
    if (isBefore(read, this.read)) {
      if ((this.read ?? -1) >= this.lastIndex) this.unread = 0;
    } else {
      this.read = read;
      this.unread = unread;
    }
    this.touch();
  }

  setWindow(window: Window | undefined): void {
    this.unread = this.countUnread();
    this.window = window;
    for (const message of window?.messages ?? []) this.note(message);
    const last = window?.messages.at(-1);
    if (last && last.index >= (this.latest?.index ?? -1)) this.latest = last;
    this.touch();
  }

  /** Puts those just before the window at its front. */
  addOlder(older: Window): void {
    if (!this.window) return;
    this.window = { ...older, messages: [...older.messages, ...this.window.messages] };
    this.touch();
  }

  /** Returns whether the server has to be asked for what the event has changed. */
  apply(event: LiveEvent): boolean {
    this.touch();
    switch (event.type) {
      case 'message.created':
      case 'message.updated':
        return this.put(event.data);
      case 'message.deleted':
        return this.delete(event.data.index);
      case 'chat.added':
        this.load(event.data);
        return false;
      case 'chat.updated':
        this.head = { ...this.head, ...event.data };
        return false;
      case 'member.added':
        // The new one is junior to all others.
        if (!this.hasMoreUsers) this.setUsers(event.data.user.username, [event.data.user]);
        return false;
      case 'member.removed':
        this.setUsers(event.data.user.username, []);
        this.typing.delete(event.data.user.username);
        return false;
      case 'chat.read':
        return this.moveMarker(event.data.index);
      case 'typing':
        this.typing.add(event.data.username);
        return false;
      default:
        return false;
    }
  }

  /** Adds or replaces a message. Returns whether the server has to be asked for the number of unread ones. */
  put(message: Message): boolean {
    const { index, sender } = message;
    const isNew = index > this.lastIndex;
    this.note(message);
    if (index >= (this.latest?.index ?? -1)) this.latest = message;
    if (this.window) this.window = { ...this.window, messages: insert(this.window, message) };
    this.touch();
    // Sending moves the sender's own marker.
    if (sender.username === this.username) return this.moveMarker(index);
    if (isNew) this.typing.delete(sender.username);
    if (isNew && isBefore(this.read, index)) this.unread = Math.min(this.unread + 1, MAX_UNREAD);
    return false;
  }

  private delete(index: number): boolean {
    const { window } = this;
    this.lastIndex = Math.max(this.lastIndex, index);
    const messages = window?.messages.filter((message) => message.index !== index) ?? [];
    const wasShown = messages.length !== (window?.messages.length ?? 0);
    if (window && wasShown) this.window = { ...window, messages };
    const wasLatest = this.latest?.index === index;
    if (wasLatest) this.latest = messages.at(-1);
    const isLatestUnknown = wasLatest && !this.latest && (window?.hasOlder ?? true);
    // An own message that was sent and deleted elsewhere meanwhile has moved the marker.
    const isUnreadUnknown = isBefore(this.read, index) && !(wasShown && this.showsUnread);
    return isLatestUnknown || isUnreadUnknown;
  }

  /** Returns whether the server has to be asked for the number of unread messages. */
  moveMarker(index: number): boolean {
    if (!isBefore(this.read, index)) return false;
    this.read = index;
    this.touch();
    if (index < this.lastIndex) return !this.showsUnread;
    this.unread = 0;
    return false;
  }

  /** Up to where the user has read. */
  get marker(): number {
    return this.read ?? 0;
  }

  /** Index of the newest message, if it is not read. */
  get unreadIndex(): number | undefined {
    const index = this.latest?.index;
    return index !== undefined && isBefore(this.read, index) ? index : undefined;
  }

  stopTyping(username: string): void {
    if (this.typing.delete(username)) this.touch();
  }

  /** Makes {@link view} return a new state. */
  touch(): void {
    this.shown = undefined;
  }

  view(findOutgoing: () => OutgoingMessage[]): ChatState {
    this.shown ??= {
      ...this.head,
      hasMoreUsers: this.hasMoreUsers,
      latest: this.latest,
      read: this.read,
      unread: this.countUnread(),
      typing: [...this.typing],
      isOpen: this.window !== undefined,
      messages: this.window?.messages ?? [],
      hasOlder: this.window?.hasOlder ?? true,
      outgoing: this.withoutShown(findOutgoing()),
    };
    return this.shown;
  }

  /** The server has acknowledged a message of this client. */
  acknowledge(message: Message, key: string, isReplayed: boolean): boolean {
    this.sentAfter.delete(key);
    for (const other of this.sentAfter.keys()) this.sentAfter.set(other, message.index);
    // Its event has been here, and it may be edited or deleted since.
    if (message.index <= this.lastIndex || isReplayed) return this.moveMarker(message.index);
    return this.put(message);
  }

  /** The event of a message may come before the answer to its request. Until then it would be shown twice. */
  private withoutShown(outgoing: OutgoingMessage[]): OutgoingMessage[] {
    for (const { key } of outgoing) if (!this.sentAfter.has(key)) this.sentAfter.set(key, this.lastIndex);
    const first = outgoing.find(({ state }) => state === 'pending');
    const after = this.sentAfter.get(first?.key ?? '') ?? -1;
    const isShown = this.window?.messages.some(
      ({ index, sender, message }) =>
        index > after && sender.username === this.username && message === first?.message,
    );
    return isShown ? outgoing.filter((message) => message !== first) : outgoing;
  }

  private setUsers(without: string, added: Chat['users']): void {
    const users = this.head.users.filter(({ username }) => username !== without);
    this.head = { ...this.head, users: [...users, ...added] };
  }

  private note({ index, timestamp }: Message): void {
    this.lastIndex = Math.max(this.lastIndex, index);
    this.activity = Math.max(this.activity, timestamp);
  }

  /** Whether the window holds every message after the marker. */
  private get showsUnread(): boolean {
    if (!this.window) return false;
    return !this.window.hasOlder || !isBefore(this.read, this.window.from - 1);
  }

  private countUnread(): number {
    if (!this.window || !this.showsUnread) return this.unread;
    return Math.min(
      this.window.messages.filter(({ index }) => isBefore(this.read, index)).length,
      MAX_UNREAD,
    );
  }
}

/** Whether a marker is before an index. */
const isBefore = (read: number | null, index: number | null): boolean => (read ?? -1) < (index ?? -1);

/** Returns the messages with one added or replaced. A message from before the window is ignored. */
function insert({ from, messages }: Window, message: Message): Message[] {
  const { index } = message;
  if (index < from) return messages;
  const at = messages.findLastIndex((other) => other.index <= index);
  const isKnown = messages[at]?.index === index;
  return [...messages.slice(0, isKnown ? at : at + 1), message, ...messages.slice(at + 1)];
}
