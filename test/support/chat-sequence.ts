import * as fc from 'fast-check';
import { expect } from 'vitest';
import { type Operation, OPERATIONS, ROOM_PASSWORD, type World } from './chat-model.js';
import { form } from './forms.js';
import type { Answer, Json, Member, Parley } from './parley.js';

export const USERS = ['alex', 'bo', 'cy', 'di', 'ed'];
const NAMES = ['Garden', 'garden', 'Kitchen'];

/** Numbers choose among the chats that exist when the operation is performed. */
export type Choice = Omit<Operation, 'id' | 'chat'> & { chat: number };

/** Whoever is erased cannot act again, and sends make a history. */
const WEIGHTS: Partial<Record<Operation['type'], number>> = { erase: 1, deleteChat: 1, send: 9 };

export const choice: fc.Arbitrary<Choice> = fc.record({
  type: fc.oneof(...OPERATIONS.map((type) => ({ arbitrary: fc.constant(type), weight: WEIGHTS[type] ?? 3 }))),
  user: fc.constantFrom(...USERS),
  chat: fc.nat({ max: 9 }),
  index: fc.nat({ max: 5 }),
  member: fc.constantFrom(...USERS),
  others: fc.subarray(USERS),
  name: fc.constantFrom(...NAMES),
  text: fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom('a', '😀', 'é', "'") }),
  isPrivate: fc.boolean(),
  password: fc.constantFrom('', 'wrong', ROOM_PASSWORD),
});

export const byText = (a: unknown, b: unknown) => (String(a) < String(b) ? -1 : 1);

let sequences = 0;

/** The server's side of a sequence: five users of its own, and what the server called the things that they made. */
export class Sequence {
  private readonly uuids = new Map<string, string>();
  private readonly roomIds = new Map<string, number>();
  /** The uuids of files, by chat and index. */
  private readonly files = new Map<string, string>();

  private constructor(
    private readonly prefix: string,
    private readonly members: Map<string, Member>,
  ) {}

  static async begin(parley: Parley): Promise<Sequence> {
    const prefix = `s${(sequences += 1)}-`;
    const members = await Promise.all(USERS.map((user) => parley.signUp(prefix + user)));
    return new Sequence(prefix, new Map(USERS.map((user, n) => [user, members[n]])));
  }

  get chatIds(): string[] {
    return [...this.uuids.keys()];
  }

  /** Makes an operation of a choice, for chats and files that exist. */
  resolve(chosen: Choice, id: string, world: World): Operation {
    const chats = this.chatIds;
    const operation = { ...chosen, id, chat: chats[chosen.chat % chats.length] ?? '' };
    const { type, user, chat } = operation;
    if (chats.length === 0)
      return { ...operation, type: type === 'erase' || type === 'createRoom' ? type : 'create' };
    if (type === 'leave' && !this.roomIds.has(chat))
      Object.assign(operation, { type: 'remove', member: user });
    if (type === 'upload' && !this.files.has(`${chat} ${operation.index}`)) operation.type = 'sendFile';
    if (type === 'join' && this.roomIds.has(chat)) operation.name = world.chats[chat]?.name ?? chosen.name;
    return operation;
  }

  /** Returns what {@link apply} would. */
  async perform(operation: Operation): Promise<string> {
    const { status, body } = await this.call(operation);
    expect(status, JSON.stringify(body)).toBeLessThan(500);
    if (status >= 400) return body.code;
    const { id, type, chat } = operation;
    if (type === 'create') this.uuids.set(id, body.data.uuid);
    if (type === 'createRoom') {
      this.uuids.set(id, body.chat);
      this.roomIds.set(id, body.room_id);
    }
    if (type === 'sendFile') this.files.set(`${chat} ${body.data.index}`, body.data.uuid);
    return type === 'send' || type === 'sendFile' ? `ok ${body.data.index}` : 'ok';
  }

  private call(operation: Operation): Promise<Answer> {
    const { type, chat, index, text, password } = operation;
    const member = this.member(operation.user);
    const name = this.prefix + operation.name;
    const user = this.prefix + operation.member;
    const path = `/api/chats/${this.uuids.get(chat)}`;
    switch (type) {
      case 'create': {
        const others = operation.others.map((other) => this.prefix + other);
        return member.post('/api/chats', { name, users: [member.username, ...others], message: text });
      }
      case 'createRoom': {
        const room = { is_private: operation.isPrivate ? 1 : 0, password: ROOM_PASSWORD };
        return member.post('/api/create_room', { room_name: name, ...room });
      }
      case 'rename':
        return member.put(path, { name });
      case 'add':
        return member.put(path, { mode: 'add', user });
      case 'remove':
        return member.put(path, { mode: 'delete', user });
      case 'join':
        return member.post('/api/join_room', { name, password });
      case 'leave':
        return member.post('/api/leave_room', { room_id: this.roomIds.get(chat) });
      case 'send':
        return member.post(`${path}/messages`, { type: 'message', message: text });
      case 'sendFile':
        return member.post(`${path}/messages`, { type: 'file', filename: 'a.txt' });
      case 'upload':
        return member.post(
          `/api/files/${this.files.get(`${chat} ${index}`)}`,
          undefined,
          form({ content: 'a' }),
        );
      case 'edit':
        return member.put(`${path}/messages/${index}`, { message: text });
      case 'delete':
        return member.delete(`${path}/messages/${index}`);
      case 'deleteChat':
        return member.delete(path);
      case 'read':
        return member.put(`${path}/read`, { index });
      default:
        return member.delete(`/api/users/${member.username}`);
    }
  }

  member(user: string): Member {
    return this.members.get(user) as Member;
  }

  /** Returns what all users see, in the form of the model test. */
  async view() {
    const views = USERS.map(async (user) => [user, await this.viewAs(this.member(user))] as const);
    return Object.fromEntries(await Promise.all(views));
  }

  private async viewAs(member: Member) {
    const list = await member.get('/api/chats');
    if (list.status !== 200) return list.body.code;
    const ids = new Map(Array.from(this.uuids, ([id, uuid]) => [uuid, id]));
    const rooms = (await member.get('/api/rooms')).body.rooms.filter(({ name }: Json) =>
      name.startsWith(this.prefix),
    );
    const ownRooms = (await member.get('/api/user_rooms')).body.rooms;
    const chats = this.chatIds.map(async (id) => [id, await this.viewChat(member, id)] as const);
    return {
      list: list.body.data
        .map(({ uuid, messages }: Json) => [ids.get(uuid), messages[0]?.index])
        .toSorted(byText),
      rooms: rooms.map(({ name, joined }: Json) => [this.strip(name), joined]),
      ownRooms: ownRooms.map(({ chat, is_private }: Json) => [ids.get(chat), is_private]).toSorted(byText),
      chats: Object.fromEntries(await Promise.all(chats)),
    };
  }

  private async viewChat(member: Member, id: string) {
    const path = `/api/chats/${this.uuids.get(id)}`;
    const [chat, page] = [await member.get(path), await member.get(`${path}/messages`)];
    if (chat.status !== 200 || page.status !== 200) return [chat.body.code, page.body.code];
    const { messages } = page.body.data;
    const times = messages.map(({ timestamp }: Json) => timestamp);
    expect(times).toEqual([...new Set<number>(times)].toSorted((a, b) => a - b));
    const [{ name, users, owner, read, unread }] = chat.body.data;
    return {
      name: this.strip(name),
      users: users.map(({ username }: Json) => this.strip(username)),
      owner: this.strip(owner),
      read,
      unread,
      messages: messages.map(({ index, sender, message, edited, file }: Json) => [
        index,
        this.strip(sender.username),
        message,
        edited !== null,
        file && file.used,
      ]),
    };
  }

  private strip = (name: string) => name.slice(this.prefix.length);
}
