import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/unit-of-work.js';
import { type Page, type PageRequest, readList } from '../http/paging.js';
import type { Caller } from '../tokens/caller.js';
import type { ChatKey } from './locked-chat.js';
import { Member } from './member.entity.js';
import { chatNotFound, notAMember } from './membership-errors.js';
import { type MemberUserRow, MembershipRepository, type MembershipRow } from './membership.repository.js';

let grantAccess: (caller: Caller, row: MembershipRow) => ChatAccess;

/** Proves that a user was a member of a chat when {@link Membership} looked. Nothing else can make one. */
export class ChatAccess implements ChatKey {
  readonly chatId: number;
  readonly userId: number;
  readonly username: string;
  /** The index of the chat's next message at that time. */
  readonly nextSeq: number;
  readonly deletedCount: number;
  /** Makes the type nominal: an object literal does not pass for it. */
  protected readonly isProof = true;

  static {
    grantAccess = (caller, row) => new ChatAccess(caller, row);
  }

  private constructor({ userId, username }: Caller, { chatId, nextSeq, deletedCount }: MembershipRow) {
    this.chatId = chatId;
    this.userId = userId;
    this.username = username;
    this.nextSeq = nextSeq;
    this.deletedCount = deletedCount;
  }
}

/** Tells which users are in which chats: the one rule for controllers, workers and sockets. */
@Injectable()
export class Membership {
  constructor(private readonly repository: MembershipRepository) {}

  /** @throws ParleyError (chat_not_found, not_a_member). */
  async requireMember(
    caller: Caller,
    uuid: string,
    lookup = this.repository.find(uuid, caller.userId),
  ): Promise<ChatAccess> {
    const row = await lookup;
    if (!row) throw chatNotFound();
    if (!row.isMember) throw notAMember();
    return grantAccess(caller, row);
  }

  /** Lists the users of a chat, the most senior first. */
  listUsers(chatId: number, page?: PageRequest): Promise<Page<MemberUserRow>> {
    const readAfter = (after: number, limit: number) => this.repository.findUsers(chatId, after, limit);
    return readList(page, readAfter, ({ since }) => since);
  }

  /** Returns the ids of all chats of a user. */
  async findChatIds(tx: Transaction, userId: number): Promise<number[]> {
    const manager = await tx.manager();
    const members = await manager.find(Member, { select: { chatId: true }, where: { userId } });
    return members.map(({ chatId }) => chatId);
  }
}
