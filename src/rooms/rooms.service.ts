import { randomUUID } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ChatsService, type Renaming } from '../chats/chats.service.js';
import { SECOND_US } from '../helpers/clock.js';
import { invalidInput } from '../errors/errors.js';
import type { Origin } from '../http/origin.js';
import { Limits } from '../limits/limits.service.js';
import { type PageRequest, readList } from '../http/paging.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { isDuplicate } from '../database/driver-errors.js';
import { type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import type { Repeatable } from '../idempotency/kept-answers.js';
import { LockedChat } from '../membership/locked-chat.js';
import { type ChatAccess, Membership } from '../membership/membership.service.js';
import { MessagesService } from '../messages/messages.service.js';
import type { Caller } from '../tokens/caller.js';
import { UsersRepository } from '../users/users.repository.js';
import {
  type CreateRoomDto,
  type JoinRoomDto,
  type RoomAnswerDto,
  type RoomCreatedDto,
  type RoomJoinedDto,
  type RoomMembersDto,
  type RoomMessagesDto,
  type RoomMessagesQuery,
  type RoomsDto,
  validateRoomName,
  type SendRoomMessageDto,
  type UserRoomsDto,
} from './dto/rooms.dto.js';
import { Room, ROOM_NAME_TAKEN } from './room.entity.js';
import {
  inRoomWords,
  invalidFields,
  passwordRequired,
  roomExists,
  roomNotFound,
  wrongPassword,
} from './room-errors.js';
import { type PublicRoomRow, type RoomRow, RoomsRepository } from './rooms.repository.js';

@Injectable()
export class RoomsService implements OnModuleInit {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly repository: RoomsRepository,
    private readonly limits: Limits,
    private readonly hasher: PasswordHasher,
    private readonly membership: Membership,
    private readonly users: UsersRepository,
    private readonly chats: ChatsService,
    private readonly messages: MessagesService,
  ) {}

  onModuleInit(): void {
    this.chats.beforeRenaming.add((tx, renaming) => this.rename(tx, renaming));
  }

  /** @throws ParleyError (room_not_found, password_required, wrong_password, rate_limited). */
  async join(
    { userId, username }: Caller,
    { name, password }: JoinRoomDto,
    origin: Origin,
  ): Promise<RoomJoinedDto> {
    const room = await this.repository.findByName(name.trim());
    if (!room) throw roomNotFound();
    if (room.passwordHash !== null) {
      if (!password) throw passwordRequired();
      await this.requirePassword({ id: room.id, hash: room.passwordHash, password }, userId, origin);
    }
    await this.unitOfWork.run(async (tx) => {
      await this.users.lockUserShared(tx, userId);
      const chats = await LockedChat.lockAll(tx, [{ chatId: room.chatId, userId }]);
      const chat = chats.get(room.chatId);
      if (!chat) throw roomNotFound();
      await chat.join(userId);
    });
    return {
      message: `${username} joined room "${room.name}"`,
      room_id: room.id,
      room_name: room.name,
      chat: room.chatUuid,
    };
  }

  private async requirePassword(
    { id, hash, password }: { id: number; hash: string; password: string },
    userId: number,
    origin: Origin,
  ): Promise<void> {
    const key = { limit: 'room-password', subject: `${userId} ${id}` } as const;
    const verify = async () => (await this.hasher.verifySecret(hash, password)) || undefined;
    if (!(await this.limits.guess([key], origin, verify))) throw wrongPassword();
  }

  /** @throws ParleyError (room_exists), (invalid_field) when a private room has no password. */
  async create({ userId }: Caller, dto: CreateRoomDto): Promise<RoomCreatedDto> {
    const name = dto.room_name.trim();
    const { is_private, password } = dto;
    if (is_private === 1 && !password) throw invalidFields('password');
    if (await this.repository.findByName(name)) throw roomExists();
    const passwordHash = is_private === 1 && password ? await this.hasher.hashSecret(password) : null;
    const uuid = randomUUID();
    const created = this.unitOfWork.run(async (tx) => {
      await this.users.lockUserShared(tx, userId);
      const chat = await LockedChat.create(tx, { uuid, name, memberIds: [userId], isPermanent: true });
      const manager = await tx.manager();
      const { identifiers } = await manager.insert(Room, { chatId: chat.id, name, passwordHash });
      return { message: `room "${name}" created`, room_id: identifiers[0].id as number, chat: uuid };
    });
    try {
      return await created;
    } catch (error) {
      throw isDuplicate(error, ROOM_NAME_TAKEN) ? roomExists() : error;
    }
  }

  async leave(caller: Caller, roomId: number): Promise<RoomAnswerDto> {
    const { room, access } = await this.requireMember(caller, roomId);
    const left = this.unitOfWork.run(async (tx) => {
      const chat = await LockedChat.lock(tx, access);
      await chat.removeMember(access.userId, 'member.left');
    });
    await inRoomWords(left);
    return { message: `${caller.username} left room "${room.name}"` };
  }

  /** Lists public rooms: all of them by name, or a page by id. */
  async list({ userId }: Caller, page?: PageRequest): Promise<RoomsDto> {
    const readAfter = (after: number, limit: number) => this.repository.findPublic(userId, after, limit);
    const { entries, next } = await readList(page, readAfter, ({ id }) => id);
    const rooms = page ? entries : sortByName(entries);
    return {
      rooms: rooms.map(({ id, name, joined }) => ({ room_id: id, name, joined: Boolean(joined) })),
      next,
    };
  }

  /** Lists the caller's rooms: all of them, the one joined last first, or a page by id. */
  async listOwn({ userId }: Caller, page?: PageRequest): Promise<UserRoomsDto> {
    const readAfter = (after: number, limit: number) => this.repository.findOf(userId, after, limit);
    const { entries, next } = await readList(page, readAfter, ({ id }) => id);
    const rooms = page ? entries : entries.toSorted((a, b) => b.joinedAt - a.joinedAt);
    return {
      rooms: rooms.map((room) => ({
        room_id: room.id,
        name: room.name,
        is_private: room.passwordHash === null ? 0 : 1,
        chat: room.chatUuid,
        joined_at: room.joinedAt / SECOND_US,
      })),
      next,
    };
  }

  /** Lists the members of a public room to everyone, of a private one to members. */
  async members(caller: Caller, roomId: number, page?: PageRequest): Promise<RoomMembersDto> {
    const room = await this.requireRoom(roomId);
    if (room.passwordHash !== null) await this.requireAccess(caller, room);
    const { entries, next } = await this.membership.listUsers(room.chatId, page);
    return { members: entries.map(({ username }) => username), next };
  }

  /** Sends a text. A repeat with the same key has no further effect. */
  async send(
    caller: Caller,
    { room_id, message }: SendRoomMessageDto,
    key?: string,
  ): Promise<Repeatable<RoomAnswerDto>> {
    const { access } = await this.requireMember(caller, room_id);
    const sent = this.messages.send(access, { type: 'message', message }, key, 'send_room_message');
    const { isReplayed } = await inRoomWords(sent);
    return { message: 'sent', isReplayed };
  }

  /** Lists the newest messages, or the newest before an index, oldest first. */
  async listMessages(caller: Caller, query: RoomMessagesQuery): Promise<RoomMessagesDto> {
    const roomId = Number(query.room_id);
    const { access } = await this.requireMember(caller, roomId);
    const before = query.before ?? String(Number.MAX_SAFE_INTEGER);
    const { messages } = await this.messages.list(access, { before, per_page: query.limit });
    return {
      messages: messages.map(({ index, sender, message, timestamp }) => ({
        index,
        username: sender.username,
        message,
        created_at: Math.round(timestamp / 1_000) / SECOND_US,
        room_id: roomId,
      })),
    };
  }

  private async requireMember(
    caller: Caller,
    roomId: number,
  ): Promise<{ room: RoomRow; access: ChatAccess }> {
    const room = await this.requireRoom(roomId);
    return { room, access: await this.requireAccess(caller, room) };
  }

  private async requireRoom(roomId: number): Promise<RoomRow> {
    const room = await this.repository.find(roomId);
    if (!room) throw roomNotFound();
    return room;
  }

  private requireAccess(caller: Caller, room: RoomRow): Promise<ChatAccess> {
    return inRoomWords(this.membership.requireMember(caller, room.chatUuid));
  }

  /** Renaming a room's chat renames the room, under the rules for room names. */
  private async rename(tx: Transaction, renaming: Renaming): Promise<void> {
    const manager = await tx.manager();
    const room = await manager.findOneBy(Room, { chatId: renaming.chatId });
    if (!room) return;
    const problem = validateRoomName(renaming.name);
    if (problem) throw invalidInput('field', 'name', problem);
    renaming.name = renaming.name.trim();
    try {
      await manager.update(Room, room.id, { name: renaming.name });
    } catch (error) {
      throw isDuplicate(error, ROOM_NAME_TAKEN) ? roomExists() : error;
    }
  }
}

/** Sorts by the bytes of the names, as an index of the database does. */
function sortByName(rooms: PublicRoomRow[]): PublicRoomRow[] {
  return rooms
    .map((room) => ({ room, bytes: Buffer.from(room.name) }))
    .toSorted((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ room }) => room);
}
