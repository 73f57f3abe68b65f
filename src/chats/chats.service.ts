import { randomUUID } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { now } from '../helpers/clock.js';
import { forbidden, invalid } from '../errors/errors.js';
import { fold } from '../helpers/text.js';
import { type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { type ChatAccess, Membership, unknownChat } from '../membership/membership.service.js';
import { writeBatch } from '../messages/message-writer.js';
import { MessagesRepository } from '../messages/messages.repository.js';
import { MessagesService } from '../messages/messages.service.js';
import type { Caller } from '../tokens/caller.js';
import { UsersService } from '../users/users.service.js';
import { Chat } from '../membership/chat.entity.js';
import { ChatsRepository } from './chats.repository.js';
import type { ChatCreatedDto, ChatDto, CreateChatDto, UpdateChatDto } from './dto/chats.dto.js';

/** What a chat may be renamed to: gives the name to use, or throws; in the transaction that renames. */
export type Renaming = (tx: Transaction, chatId: number, name: string) => Promise<string>;

interface NewChat {
  name: string;
  members: number[];
  isPermanent: boolean;
}

@Injectable()
export class ChatsService implements OnModuleInit {
  private readonly renamings: Renaming[] = [];

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly repository: ChatsRepository,
    private readonly membership: Membership,
    private readonly users: UsersService,
    private readonly messages: MessagesService,
    private readonly messagesRepository: MessagesRepository,
  ) {}

  onModuleInit(): void {
    this.users.beforeErasing(async (tx, userId) => {
      // In this order: who is no member any more sends no more messages.
      await this.membership.removeEverywhere(tx, userId);
      await this.messagesRepository.removeSentBy(tx, userId);
    });
  }

  /** Lets a module that builds on chats have its say when one is renamed. */
  beforeRenaming(rule: Renaming): void {
    this.renamings.push(rule);
  }

  /** The caller's chats, the latest activity first. */
  list({ userId }: Caller): Promise<ChatDto[]> {
    return this.repository.findOf(userId);
  }

  /** An array of this one chat, as the reference shows. */
  async describe({ userId, chatId }: ChatAccess): Promise<ChatDto[]> {
    const chats = await this.repository.findOne(userId, chatId);
    if (chats.length === 0) throw unknownChat();
    return chats;
  }

  /**
   * Creates a chat with the caller as its owner, its members and its first message, or nothing of it.
   *
   * @throws ParleyError (invalid) when a user does not exist.
   */
  async create({ userId }: Caller, { name, users, message }: CreateChatDto): Promise<ChatCreatedDto> {
    this.messages.requireLength(message);
    return this.unitOfWork.run(async (tx) => {
      await this.users.requirePresent(tx, userId);
      const members = new Set([userId, ...(await this.users.requireAll(tx, users))]);
      const { chatId, uuid } = await this.open(tx, { name, members: [...members], isPermanent: false });
      await writeBatch(tx, [{ chatId, senderId: userId, type: 'message', text: message, file: null }]);
      return { uuid };
    });
  }

  /** A chat without messages; the first of its members owns it. */
  async open(
    tx: Transaction,
    { name, members, isPermanent }: NewChat,
  ): Promise<{ chatId: number; uuid: string }> {
    const uuid = randomUUID();
    const { identifiers } = await (
      await tx.manager()
    ).insert(Chat, {
      uuid,
      name,
      ownerId: members[0],
      isPermanent,
      nextSeq: 0,
      deletedCount: 0,
      lastSentAt: now(),
    });
    const chatId = identifiers[0].id as number;
    await this.membership.add(tx, chatId, members);
    return { chatId, uuid };
  }

  /** Renames the chat, adds or removes a user, or both; all or nothing. */
  async update(access: ChatAccess, { name, mode, user }: UpdateChatDto): Promise<void> {
    if (mode === undefined && user !== undefined)
      throw invalid("field 'mode' must be present, together with 'user'");
    if (mode !== undefined && user === undefined)
      throw invalid("field 'user' must be present, together with 'mode'");
    if (name === undefined && mode === undefined) {
      throw invalid("at least one of the fields 'name' and 'mode' must be present");
    }
    await this.unitOfWork.run(async (tx) => {
      const locked = await this.membership.lock(tx, access);
      if (name !== undefined) await this.rename(tx, locked.chatId, name);
      if (mode === 'add' && user !== undefined) await this.addUser(tx, locked, user);
      if (mode === 'delete' && user !== undefined) await this.removeUser(tx, locked, user);
    });
  }

  private async rename(tx: Transaction, chatId: number, name: string): Promise<void> {
    let chosen = name;
    for (const rule of this.renamings) chosen = await rule(tx, chatId, chosen);
    await (await tx.manager()).update(Chat, chatId, { name: chosen });
  }

  private async addUser(tx: Transaction, { chatId }: ChatAccess, username: string): Promise<void> {
    const [userId] = await this.users.requireAll(tx, [username]);
    if (await this.membership.isMember(tx, chatId, userId)) {
      throw invalid(`user '${username}' is already part of specified chat`);
    }
    await this.membership.add(tx, chatId, [userId]);
  }

  /** The owner removes anyone, and anyone themself; ownership passes on ("Chats" in the contract). */
  private async removeUser(tx: Transaction, access: ChatAccess, username: string): Promise<void> {
    const { chatId } = access;
    const isSelf = fold(username) === fold(access.username);
    if (!isSelf && !access.isOwner) throw forbidden('not allowed to remove other users');
    const [userId] = await this.users.requireAll(tx, [username]);
    if (!(await this.membership.isMember(tx, chatId, userId))) {
      throw invalid(`user '${username}' is not part of specified chat`);
    }
    await this.membership.remove(tx, chatId, userId);
  }

  /** Deletes the chat with all that is in it; its owner alone may. */
  async remove(access: ChatAccess): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const { chatId, isOwner } = await this.membership.lock(tx, access);
      if (!isOwner) throw forbidden('not allowed to delete specified chat');
      await tx.execute('DELETE FROM chats WHERE id = ?', [chatId]);
    });
  }
}
