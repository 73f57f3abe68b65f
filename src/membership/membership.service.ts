import { Injectable } from '@nestjs/common';
import { Batcher } from '../database/batcher.js';
import { type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { type Page, type PageRequest, readList } from '../http/paging.js';
import type { Caller } from '../tokens/caller.js';
import { now } from '../helpers/clock.js';
import type { ChatKey } from './locked-chat.js';
import { chatNotFound, neverSent, notAMember } from './membership-errors.js';
import {
  type Marker,
  type MemberUserRow,
  MembershipRepository,
  type MembershipRow,
} from './membership.repository.js';

/** A user has marked messages of a chat as read, at a time in microseconds. */
export interface Marked extends ChatKey {
  readAt: number;
}

declare module '../database/topics.js' {
  interface TopicPayloads {
    /** Published when users have marked messages as read. */
    chatsRead: Marked[];
  }
}

let grantAccess: (caller: Caller, row: MembershipRow) => ChatAccess;

/** Proves that a user was a member of a chat when {@link Membership} looked. Nothing else can make one. */
export class ChatAccess implements ChatKey {
  readonly chatId: number;
  readonly userId: number;
  readonly username: string;
  /** The index of the chat's next message at that time. */
  readonly nextSeq: number;
  readonly deletedCount: number;
  /** The index after the last message that the user had read. */
  readonly readNext: number;
  /** Whether messages of erased users are hidden here, until they are removed. */
  readonly hasErasedSenders: boolean;
  /** Makes the type nominal: an object literal does not pass for it. */
  protected readonly isProof = true;

  static {
    grantAccess = (caller, row) => new ChatAccess(caller, row);
  }

  private constructor({ userId, username }: Caller, row: MembershipRow) {
    this.chatId = row.chatId;
    this.userId = userId;
    this.username = username;
    this.nextSeq = row.nextSeq;
    this.deletedCount = row.deletedCount;
    this.readNext = row.readNext ?? 0;
    this.hasErasedSenders = Boolean(row.hasErasedSenders);
  }
}

/** Decides which users are in which chats: the one rule for controllers, workers and sockets. */
@Injectable()
export class Membership {
  private readonly markers = new Batcher((markers: Marker[]) => this.moveMarkers(markers));

  constructor(
    private readonly repository: MembershipRepository,
    private readonly unitOfWork: UnitOfWork,
  ) {}

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

  /**
   * Moves the marker of what the caller has read forward, never back.
   * @throws ParleyError (invalid_field) for an index that was never sent.
   */
  async markRead(access: ChatAccess, index: number): Promise<void> {
    if (index >= access.nextSeq) throw neverSent();
    const { chatId, userId, readNext } = access;
    if (index >= readNext) await this.markers.add({ chatId, userId, readNext: index + 1 });
  }

  private async moveMarkers(markers: Marker[]): Promise<undefined[]> {
    await this.unitOfWork.run(async (tx) => {
      const readAt = now();
      this.repository.markRead(tx, markers, readAt);
      tx.publish(
        'chatsRead',
        markers.map(({ chatId, userId }) => ({ chatId, userId, readAt })),
      );
    });
    return markers.map(() => undefined);
  }

  /** Lists the users of a chat, the most senior first. */
  listUsers(chatId: number, page?: PageRequest): Promise<Page<MemberUserRow>> {
    const readAfter = (after: number, limit: number) => this.repository.findUsers(chatId, after, limit);
    return readList(page, readAfter, ({ since }) => since);
  }

  countChats(userId: number): Promise<number> {
    return this.repository.countChats(userId);
  }

  /** Returns the ids of up to `limit` chats of a user. */
  findChatIds(tx: Transaction, userId: number, limit: number): Promise<number[]> {
    return this.repository.findChatIds(tx, userId, limit);
  }
}
