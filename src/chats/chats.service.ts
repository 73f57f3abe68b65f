import { randomUUID } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Audit } from '../audit/audit.js';
import { findErasedUser } from '../changes/change-log.js';
import { inChunks } from '../database/delete-in-chunks.js';
import { type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { invalidInput, ParleyError } from '../errors/errors.js';
import { Handlers } from '../helpers/handlers.js';
import type { Origin } from '../http/origin.js';
import type { Page, PageRequest } from '../http/paging.js';
import { fold } from '../helpers/text.js';
import { KeptAnswers, keyedRequest, type Repeatable, rerunIfKeyTaken } from '../idempotency/kept-answers.js';
import { LockedChat, type UserName } from '../membership/locked-chat.js';
import { chatNotFound } from '../membership/membership-errors.js';
import { type ChatAccess, Membership } from '../membership/membership.service.js';
import { MessageWriter } from '../messages/message-writer.js';
import { MessagesService } from '../messages/messages.service.js';
import { Removals } from '../removals/removals.service.js';
import type { Caller } from '../tokens/caller.js';
import type { UserDto } from '../users/dto/users.dto.js';
import { UsersRepository } from '../users/users.repository.js';
import { UsersService } from '../users/users.service.js';
import { alreadyAMember, mayNotDeleteChat, mayNotRemoveOthers, notInChat } from './chat-errors.js';
import { ChatsRepository, MAX_USERS_SHOWN } from './chats.repository.js';
import type {
  ChatCreatedDto,
  ChatDto,
  CreateChatDto,
  MarkReadDto,
  ReadStateDto,
  UpdateChatDto,
} from './dto/chats.dto.js';

/** A user leaves this many chats in one transaction, which locks them all. */
const MAX_CHATS_LEFT = 500;

/** A new name for a chat; a handler may replace the name, or throw. */
export interface Renaming {
  readonly chatId: number;
  name: string;
}

@Injectable()
export class ChatsService implements OnModuleInit {
  readonly beforeRenaming = new Handlers<[tx: Transaction, renaming: Renaming]>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly repository: ChatsRepository,
    private readonly membership: Membership,
    private readonly users: UsersService,
    private readonly usersRepository: UsersRepository,
    private readonly messages: MessagesService,
    private readonly writer: MessageWriter,
    private readonly removals: Removals,
    private readonly audit: Audit,
  ) {}

  onModuleInit(): void {
    this.users.beforeErasing.add((tx, userId) => this.leaveChats(tx, userId));
    this.removals.handlers.user.addFirst((userId, signal) => this.removeTracesOf(userId, signal));
  }

  /** Lists the caller's chats, the latest activity first: all of them, or a page. */
  async list({ userId }: Caller, page?: PageRequest): Promise<Page<ChatDto>> {
    if (page) return this.repository.findPage(userId, page);
    return { entries: await this.repository.findOf(userId) };
  }

  async listUsers(
    { chatId }: ChatAccess,
    page: PageRequest = { limit: MAX_USERS_SHOWN },
  ): Promise<Page<UserDto>> {
    const { entries, next } = await this.membership.listUsers(chatId, page);
    return { entries: entries.map(({ name, username }) => ({ name, username })), next };
  }

  /** Returns an array of this one chat, as the reference shows. */
  async get({ userId, chatId }: ChatAccess): Promise<ChatDto[]> {
    const chats = await this.repository.findByIds(userId, [chatId]);
    if (chats.length === 0) throw chatNotFound();
    return chats;
  }

  /**
   * Moves the marker of what the caller has read to an index, and never back.
   * @throws ParleyError (chat_not_found, not_a_member), (invalid_field) for an index that was never sent.
   */
  async markRead(access: ChatAccess, { index }: MarkReadDto): Promise<ReadStateDto> {
    await this.membership.markRead(access, index);
    return this.repository.getReadState(access.userId, access.chatId);
  }

  /**
   * A repeat with the same key returns the first answer.
   * @throws ParleyError (user_not_found, idempotency_conflict).
   */
  async create(
    { userId }: Caller,
    { name, users, message }: CreateChatDto,
    key?: string,
  ): Promise<Repeatable<ChatCreatedDto>> {
    this.messages.requireLength(message);
    const request = keyedRequest(userId, key, 'create_chat', [name, users, message]);
    const createOnce = async (tx: Transaction) => {
      const answers = KeptAnswers.lookUp(tx, [request]);
      await this.usersRepository.lockUserShared(tx, userId);
      const earlier = answers.find<ChatCreatedDto>(request);
      if (earlier && !(earlier instanceof Error)) return earlier;
      const userIds = await this.usersRepository.lockUsersShared(tx, users);
      // The contract reports unknown users first.
      if (earlier) throw earlier;
      const uuid = await this.insert(tx, name, [...new Set([userId, ...userIds])], message);
      answers.keep(request, { uuid });
      return { uuid, isReplayed: false };
    };
    return rerunIfKeyTaken(() => this.unitOfWork.run(createOnce));
  }

  /** Returns the uuid of a new chat, which the first of its members owns and writes to. */
  private async insert(tx: Transaction, name: string, memberIds: number[], text: string): Promise<string> {
    const uuid = randomUUID();
    const chat = await LockedChat.create(tx, { uuid, name, memberIds, isPermanent: false });
    const first = { chatId: chat.id, senderId: memberIds[0], type: 'message', text, file: null } as const;
    const [outcome] = this.writer.writeIn(tx, new Map([[chat.id, chat]]), [first]);
    if (outcome instanceof Error) throw outcome;
    return uuid;
  }

  /** Renames the chat, adds or removes a user, or both, in one transaction. */
  async update(access: ChatAccess, { name, mode, user }: UpdateChatDto): Promise<void> {
    if (mode === undefined && user !== undefined) {
      throw invalidInput('field', 'mode', "must be present, together with 'user'");
    }
    if (mode !== undefined && user === undefined) {
      throw invalidInput('field', 'user', "must be present, together with 'mode'");
    }
    if (name === undefined && mode === undefined) {
      throw new ParleyError('invalid_field', "at least one of the fields 'name' and 'mode' must be present");
    }
    await this.unitOfWork.run(async (tx) => {
      const chat = await LockedChat.lock(tx, access);
      if (name !== undefined) await this.rename(tx, chat, name);
      if (mode === 'add' && user !== undefined) await this.addUser(tx, chat, user);
      if (mode === 'delete' && user !== undefined) await this.removeUser(tx, chat, access, user);
    });
  }

  private async rename(tx: Transaction, chat: LockedChat, name: string): Promise<void> {
    const renaming = { chatId: chat.id, name };
    await this.beforeRenaming.run(tx, renaming);
    chat.rename(renaming.name);
  }

  private async addUser(tx: Transaction, chat: LockedChat, username: string): Promise<void> {
    const [userId] = await this.usersRepository.lockUsersShared(tx, [username]);
    if (await chat.isMember(userId)) throw alreadyAMember(username);
    chat.addMember(userId);
  }

  /** The owner removes anyone, and every member may leave. */
  private async removeUser(
    tx: Transaction,
    chat: LockedChat,
    access: ChatAccess,
    username: string,
  ): Promise<void> {
    const isSelf = fold(username) === fold(access.username);
    if (!isSelf) chat.requireOwner(access.userId, mayNotRemoveOthers);
    const [userId] = await this.usersRepository.lockUsersShared(tx, [username]);
    if (!(await chat.isMember(userId))) throw notInChat(username);
    await chat.removeMember(userId, userId === access.userId ? 'member.left' : 'member.removed');
  }

  /** @throws ParleyError (not_allowed) unless the caller owns the chat. */
  async delete(access: ChatAccess, origin: Origin): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const chat = await LockedChat.lock(tx, access);
      chat.requireOwner(access.userId, mayNotDeleteChat);
      chat.delete();
    });
    this.audit.record('chat_deleted', origin, { userId: access.userId, chatId: access.chatId });
  }

  /** Deletes a chat for an operator. @throws ParleyError (chat_not_found). */
  async deleteAny(chatId: number, origin: Origin): Promise<void> {
    await this.unitOfWork.run(async (tx) => (await LockedChat.lockAny(tx, chatId)).delete());
    this.audit.record('chat_deleted', origin, { chatId });
  }

  /** Removes a user from up to 500 chats. Returns undefined if there was none. */
  private async leaveChats(tx: Transaction, userId: number): Promise<true | undefined> {
    const chatIds = await this.membership.findChatIds(tx, userId, MAX_CHATS_LEFT);
    if (chatIds.length === 0) return undefined;
    const chats = await LockedChat.lockAll(
      tx,
      chatIds.map((chatId) => ({ chatId, userId })),
    );
    const own = [...chats.values()].filter((chat) => chat.checkMember(userId) === undefined);
    const erasedUser = await this.findName(tx, userId);
    await LockedChat.removeFromAll(tx, own, userId, { type: 'member.left', erasedUser });
    return true;
  }

  /** Once the user's row is gone, the log of changes knows the name from the first chats, for 7 days. */
  private async findName(tx: Transaction, userId: number): Promise<UserName | undefined> {
    return (await this.usersRepository.findName(tx, userId)) ?? findErasedUser(tx, userId);
  }

  /** Only a user who is in no chat sends no more, so messages and what other handlers remove go last. */
  private async removeTracesOf(userId: number, signal: AbortSignal): Promise<void> {
    await inChunks(this.unitOfWork, signal, (tx) => this.leaveChats(tx, userId));
    await this.messages.removeSent(userId, signal);
  }
}
