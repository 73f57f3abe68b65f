import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { In, MoreThan } from 'typeorm';
import { Audit } from '../audit/audit.js';
import { ChatsService } from '../chats/chats.service.js';
import { Settings } from '../config/settings.js';
import { Reader, type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { fold } from '../helpers/text.js';
import { Origin } from '../http/origin.js';
import { Outbox } from '../mail/outbox.service.js';
import { Chat } from '../membership/chat.entity.js';
import { chatNotFound } from '../membership/membership-errors.js';
import { Membership } from '../membership/membership.service.js';
import { MessagesService } from '../messages/messages.service.js';
import { Token } from '../tokens/token.entity.js';
import { TokensService } from '../tokens/tokens.service.js';
import { User } from '../users/user.entity.js';
import { userNotFound } from '../users/user-errors.js';
import { type LockedUser, UsersRepository } from '../users/users.repository.js';
import { UsersService } from '../users/users.service.js';

const USER_COLUMNS = {
  id: true,
  username: true,
  name: true,
  email: true,
  verified: true,
  createdAt: true,
} as const;

const MAX_MEMBERS_SHOWN = 100;

export interface UserLine {
  username: string;
  name: string;
  email: string;
  verified: boolean;
  created: string;
}

/** What an operator may do, through the services of the server, with a line in the security log for each change. */
@Injectable()
export class AdminService {
  private readonly origin = new Origin('admin', randomUUID());

  constructor(
    private readonly settings: Settings,
    private readonly unitOfWork: UnitOfWork,
    private readonly reader: Reader,
    private readonly users: UsersService,
    private readonly usersRepository: UsersRepository,
    private readonly tokens: TokensService,
    private readonly outbox: Outbox,
    private readonly membership: Membership,
    private readonly messages: MessagesService,
    private readonly chats: ChatsService,
    private readonly audit: Audit,
  ) {}

  /** Lists up to `limit` users whose usernames follow `after`. */
  async listUsers(after: string, limit: number): Promise<UserLine[]> {
    const users = await this.reader.run((manager) =>
      manager.find(User, {
        select: USER_COLUMNS,
        where: { usernameKey: MoreThan(fold(after)) },
        order: { usernameKey: 'ASC' },
        take: limit,
      }),
    );
    return users.map(lineOf);
  }

  /** Returns the users that users would find, in the same order. */
  async searchUsers(text: string): Promise<UserLine[]> {
    const found = await this.users.search(text);
    const names = found.map(({ username }) => username);
    const users = await this.reader.run((manager) =>
      manager.find(User, { select: USER_COLUMNS, where: { username: In(names) } }),
    );
    return users.toSorted((a, b) => names.indexOf(a.username) - names.indexOf(b.username)).map(lineOf);
  }

  /** @throws ParleyError (user_not_found). */
  async showUser(username: string): Promise<UserLine & { chats: number; sessions: number }> {
    const user = await this.reader.run((manager) =>
      manager.findOne(User, { select: USER_COLUMNS, where: { usernameKey: fold(username) } }),
    );
    if (!user) throw userNotFound(username);
    const userId = user.id;
    const seconds = Math.floor(Date.now() / 1000);
    const session = { userId, kind: 'authentication', expiresAt: MoreThan(seconds) } as const;
    const sessions = await this.reader.run((manager) => manager.countBy(Token, session));
    return { ...lineOf(user), chats: await this.membership.countChats(userId), sessions };
  }

  /** Mails a link to choose a new password, or returns it. @throws ParleyError (user_not_found). */
  async resetPassword(username: string, isPrinted: boolean): Promise<{ username: string; link?: string }> {
    const { userId, result: token } = await this.change(username, async (tx, { id, email }) => {
      if (isPrinted) return this.tokens.issue(tx, 'reset-password', id);
      await this.outbox.addUnlimited(tx, { userId: id, kind: 'reset-password', address: email });
      return undefined;
    });
    this.audit.record('password_reset_requested', this.origin, { userId });
    if (!token) return { username };
    return { username, link: `${this.settings.publicUrl}/reset-password?token=${token}` };
  }

  /** @throws ParleyError (user_not_found). */
  async logOut(username: string): Promise<{ username: string }> {
    const { userId } = await this.change(username, (tx, { id }) => this.tokens.revokeSessions(tx, id));
    this.audit.record('logout', this.origin, { userId });
    return { username };
  }

  /** @throws ParleyError (user_not_found). */
  async eraseUser(username: string): Promise<{ username: string }> {
    const user = await this.reader.run((manager) =>
      manager.findOne(User, { select: { id: true }, where: { usernameKey: fold(username) } }),
    );
    if (!user) throw userNotFound(username);
    await this.users.erase({ userId: user.id }, this.origin);
    return { username };
  }

  /** @throws ParleyError (chat_not_found). */
  async showChat(uuid: string) {
    const chat = await this.findChat(uuid);
    const { entries } = await this.membership.listUsers(chat.id, { limit: MAX_MEMBERS_SHOWN });
    const { ownerId } = chat;
    const owner = await this.reader.run(async (manager) =>
      ownerId === null ? null : manager.findOne(User, { select: { username: true }, where: { id: ownerId } }),
    );
    return {
      uuid,
      name: chat.name,
      isRoom: chat.isPermanent,
      owner: owner?.username ?? null,
      members: chat.memberCount,
      usernames: entries.map(({ username }) => username),
      messages: chat.nextSeq - chat.deletedCount,
      lastSent: timeOf(chat.lastSentAt),
    };
  }

  /** @throws ParleyError (chat_not_found). */
  async deleteChat(uuid: string): Promise<{ uuid: string }> {
    const { id } = await this.findChat(uuid);
    await this.chats.deleteAny(id, this.origin);
    return { uuid };
  }

  /** @throws ParleyError (chat_not_found, message_not_found). */
  async deleteMessage(uuid: string, index: number): Promise<{ chat: string; index: number }> {
    const { id } = await this.findChat(uuid);
    await this.messages.deleteAny(id, index);
    this.audit.record('message_deleted', this.origin, { chatId: id, index });
    return { chat: uuid, index };
  }

  /** Runs `work` in a transaction that holds the user's row. @throws ParleyError (user_not_found). */
  private change<Result>(
    username: string,
    work: (tx: Transaction, user: LockedUser) => Promise<Result>,
  ): Promise<{ userId: number; result: Result }> {
    return this.unitOfWork.run(async (tx) => {
      const user = await this.usersRepository.findAndLockUser(tx, username);
      if (!user) throw userNotFound(username);
      return { userId: user.id, result: await work(tx, user) };
    });
  }

  private async findChat(uuid: string): Promise<Chat> {
    const chat = await this.reader.run((manager) => manager.findOneBy(Chat, { uuid }));
    if (!chat) throw chatNotFound();
    return chat;
  }
}

function lineOf({ username, name, email, verified, createdAt }: User): UserLine {
  return { username, name, email, verified, created: timeOf(createdAt) };
}

function timeOf(microseconds: number): string {
  return new Date(Math.floor(microseconds / 1000)).toISOString();
}
