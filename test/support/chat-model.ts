/**
 * A model of the contract's rules for chats, messages, files and rooms. It knows neither HTTP nor a database, so that
 * random operations can be compared with the server's behaviour.
 */
export interface World {
  erased: string[];
  /** By the id of the operation that created the chat. */
  chats: Record<string, ModelChat>;
}

export interface ModelChat {
  name: string;
  owner: string | undefined;
  /** By seniority. */
  members: string[];
  room: 'public' | 'private' | undefined;
  /** Index of the next message. */
  next: number;
  messages: ModelMessage[];
  /** The index after the last message that each member has read. */
  readNext: Record<string, number>;
}

export interface ModelMessage {
  index: number;
  sender: string;
  text: string;
  isEdited: boolean;
  file: 'open' | 'used' | undefined;
}

export const OPERATIONS = [
  'create',
  'createRoom',
  'rename',
  'add',
  'remove',
  'join',
  'leave',
  'send',
  'sendFile',
  'upload',
  'edit',
  'delete',
  'deleteChat',
  'read',
  'erase',
] as const;

/** One call by `user`. Each type reads the fields that it needs. */
export interface Operation {
  type: (typeof OPERATIONS)[number];
  /** Names the chat that the operation creates. */
  id: string;
  user: string;
  chat: string;
  index: number;
  member: string;
  others: string[];
  name: string;
  text: string;
  isPrivate: boolean;
  password: string;
}

export const ROOM_PASSWORD = 'secret';

/** A refused operation; the message is the error's code. */
class Refusal extends Error {}

function requireThat(condition: boolean, code: string): asserts condition {
  if (!condition) throw new Refusal(code);
}

/** Returns the world after the operation, and `ok`, `ok <index>` or an error's code. */
export function apply(world: World, operation: Operation): { world: World; outcome: string } {
  const after = structuredClone(world);
  try {
    const index = perform(after, operation);
    return { world: after, outcome: index === undefined ? 'ok' : `ok ${index}` };
  } catch (error) {
    if (error instanceof Refusal) return { world, outcome: error.message };
    throw error;
  }
}

function perform(world: World, operation: Operation): number | undefined {
  const { type, id, user, name, text } = operation;
  requireThat(!world.erased.includes(user), 'token_invalid');
  const requireUser = (username: string) => requireThat(!world.erased.includes(username), 'user_not_found');
  switch (type) {
    case 'create': {
      operation.others.forEach(requireUser);
      const members = [...new Set([user, ...operation.others])];
      world.chats[id] = newChat(name, members, undefined);
      send(world.chats[id], user, text);
      return undefined;
    }
    case 'createRoom':
      requireThat(!findRoom(world, name), 'room_exists');
      world.chats[id] = newChat(name, [user], operation.isPrivate ? 'private' : 'public');
      return undefined;
    case 'join': {
      const room = findRoom(world, name);
      requireThat(room !== undefined, 'room_not_found');
      if (room.room === 'private') {
        requireThat(operation.password !== '', 'password_required');
        requireThat(operation.password === ROOM_PASSWORD, 'wrong_password');
      }
      addMember(room, user);
      return undefined;
    }
    case 'erase':
      world.erased = [...world.erased, user].toSorted();
      for (const key of Object.keys(world.chats)) {
        world.chats[key].messages = world.chats[key].messages.filter(({ sender }) => sender !== user);
        removeMember(world, key, user);
      }
      return undefined;
    default:
      return performInChat(world, operation);
  }
}

function performInChat(world: World, { type, user, chat: key, index, member, name, text }: Operation) {
  const chat: ModelChat | undefined = world.chats[key];
  const missing = { leave: 'room_not_found', upload: 'file_not_found' }[type as string] ?? 'chat_not_found';
  requireThat(chat !== undefined, missing);
  const message = chat.messages.find((sent) => sent.index === index);
  if (type === 'upload') requireThat(message !== undefined, 'file_not_found');
  requireThat(chat.members.includes(user), 'not_a_member');
  switch (type) {
    case 'rename':
      requireThat(!chat.room || [undefined, chat].includes(findRoom(world, name)), 'room_exists');
      chat.name = name;
      return undefined;
    case 'add':
      requireThat(!world.erased.includes(member), 'user_not_found');
      requireThat(!chat.members.includes(member), 'already_a_member');
      addMember(chat, member);
      return undefined;
    case 'remove':
      requireThat(member === user || chat.owner === user, 'not_allowed');
      requireThat(!world.erased.includes(member), 'user_not_found');
      requireThat(chat.members.includes(member), 'not_in_chat');
      removeMember(world, key, member);
      return undefined;
    case 'leave':
      removeMember(world, key, user);
      return undefined;
    case 'send':
      return send(chat, user, text);
    case 'sendFile':
      return send(chat, user, '', 'open');
    case 'read':
      requireThat(index < chat.next, 'invalid_field');
      chat.readNext[user] = Math.max(chat.readNext[user], index + 1);
      return undefined;
    case 'deleteChat':
      requireThat(chat.owner === user, 'not_allowed');
      delete world.chats[key];
      return undefined;
  }
  requireThat(message !== undefined, 'message_not_found');
  const isSender = message.sender === user;
  if (type === 'delete') {
    requireThat(isSender || chat.owner === user, 'not_allowed');
    chat.messages = chat.messages.filter((sent) => sent !== message);
    return undefined;
  }
  requireThat(isSender, 'not_allowed');
  if (type === 'upload') {
    requireThat(message.file === 'open', 'link_used');
    message.file = 'used';
  } else Object.assign(message, { text, isEdited: true });
  return undefined;
}

function newChat(name: string, members: string[], room: ModelChat['room']): ModelChat {
  const readNext = Object.fromEntries(members.map((member) => [member, 0]));
  return { name, owner: members[0], members, room, next: 0, messages: [], readNext };
}

function findRoom(world: World, name: string): ModelChat | undefined {
  return Object.values(world.chats).find((chat) => chat.room && chat.name === name);
}

function send(chat: ModelChat, sender: string, text: string, file?: 'open'): number {
  const index = chat.next;
  chat.next += 1;
  chat.readNext[sender] = chat.next;
  chat.messages.push({ index, sender, text, isEdited: false, file });
  return index;
}

function addMember(chat: ModelChat, user: string): void {
  if (!chat.members.includes(user)) {
    chat.members.push(user);
    chat.readNext[user] = chat.next;
  }
  chat.owner ??= user;
}

/** The longest-standing member owns the chat next. Of chats without members, rooms alone stay. */
function removeMember(world: World, key: string, user: string): void {
  const chat = world.chats[key];
  chat.members = chat.members.filter((member) => member !== user);
  delete chat.readNext[user];
  if (chat.owner === user) chat.owner = chat.members[0];
  if (chat.members.length === 0 && !chat.room) delete world.chats[key];
}
