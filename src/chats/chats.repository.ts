import { Injectable } from '@nestjs/common';
import { Batcher } from '../database/batcher.js';
import { MAX_ROWS_PER_QUERY, readInChunks } from '../database/read-in-chunks.js';
import type { SqlValue } from '../database/driver.js';
import { chunks, placeholders, Reader } from '../database/unit-of-work.js';
import { cutPage, type Page, type PageRequest, type SortKey } from '../http/paging.js';
import { inParallel } from '../database/in-parallel.js';
import { chatNotFound, notAMember } from '../membership/membership-errors.js';
import { HAS_ERASED_SENDERS } from '../membership/membership.repository.js';
import { MessageAssembler } from '../messages/message-assembler.js';
import { MESSAGE_COLUMNS, type MessageRow } from '../messages/message-row.js';
import type { MessageDto } from '../messages/dto/messages.dto.js';
import { MessagesRepository, type ReadPosition } from '../messages/messages.repository.js';
import { ERASED_USERS } from '../removals/removals.service.js';
import { UserNamesRepository } from '../users/user-names.repository.js';
import type { ChatDto, ReadStateDto } from './dto/chats.dto.js';

/** Lists that are read together. More would save little time and hold the rows of more lists in memory. */
const MAX_LISTS = 4;

/** Longer lists are read in chunks. */
const MAX_CHATS_PER_QUERY = 4_000;
const MAX_MEMBERS_PER_QUERY = 50_000;
const CHUNK_SIZE = 1_000;

/** Users of a chat in a page of chats. */
export const MAX_USERS_SHOWN = 100;

/** A chat of a user, with the message sent last; `seq` is null when that one is deleted, even if older ones remain. */
type ChatRow = ChatColumns & (MessageRow | { seq: null });

interface ChatColumns extends ReadPosition {
  uuid: string;
  name: string;
  last_sent_at: number;
  member_count: number;
  owner_id: number | null;
  room_id: number | null;
}

/** What all readers see alike. */
type SharedChat = Omit<ChatDto, 'read' | 'unread'>;

interface OfReader {
  reader_id: number;
}

interface MemberRow {
  chat_id: number;
  user_id: number;
  since: number;
}

type LatestRow = { id: number } & MessageRow;

const CHAT_COLUMNS = `c.id, c.uuid, c.name, c.last_sent_at, c.member_count, c.owner_id, c.next_seq, c.deleted_count,
  CASE WHEN c.is_permanent THEN (SELECT id FROM rooms WHERE chat_id = c.id) END AS room_id,
  EXISTS ${ERASED_USERS} AND ${HAS_ERASED_SENDERS} AS has_erased_senders`;

const SELECT_MEMBERS = 'SELECT chat_id, user_id, since FROM members';

/** Is later than every activity. */
const NEVER = Number.MAX_SAFE_INTEGER;

interface ListedChat {
  row: ChatRow;
  chat: ChatDto;
}

/** Lists chats in SQL, because clients do so at each start. Sorts here: MariaDB would fill a temporary table. */
@Injectable()
export class ChatsRepository {
  private readonly batcher: Batcher<number, ChatDto[]>;

  constructor(
    private readonly reader: Reader,
    private readonly names: UserNamesRepository,
    private readonly assembler: MessageAssembler,
    private readonly messages: MessagesRepository,
  ) {
    this.batcher = new Batcher((userIds) => this.findAll(userIds), MAX_LISTS);
  }

  /** Returns all chats of a user, the latest activity first. A list of up to 4,000 chats takes a fixed number of queries. */
  findOf(userId: number): Promise<ChatDto[]> {
    return this.batcher.add(userId);
  }

  /** Returns those of the chats that the user is in, up to 1,000. */
  async findByIds(userId: number, chatIds: number[]): Promise<ChatDto[]> {
    return (await this.findSome(userId, chatIds)).map(({ chat }) => chat);
  }

  /** Returns the chat as each of the users sees it who is a member. */
  async findFor(chatId: number, userIds: number[]): Promise<Map<number, ChatDto>> {
    const found = new Map<number, ChatDto>();
    const members = groupByChat(await this.allMembersOf([chatId]));
    for (const some of chunks(userIds)) {
      const where = `mine.chat_id = ? AND mine.user_id IN (${placeholders(some.length)})`;
      const rows = await this.chatsOf(where, [chatId, ...some]);
      const chats = await this.addReadState(rows, await this.assemble(rows, members));
      for (const [n, { reader_id }] of rows.entries()) {
        const chat = chats[n];
        if (chat) found.set(reader_id, chat);
      }
    }
    return found;
  }

  /**
   * Returns a page of a user's chats, each with its first users, in a fixed number of queries. It reads the id and the time
   * of each chat of the user: an index by time would cost each message a change in the entry of every member.
   */
  async findPage(userId: number, { limit, after }: PageRequest): Promise<Page<ChatDto>> {
    const rows = await this.chatsAfter(userId, limit + 1, after);
    const page = cutPage(rows, limit, ({ last_sent_at, id }) => [last_sent_at, id]);
    const chats = await this.assemble(page.entries, groupByChat(await this.firstMembersOf(page.entries)));
    const listed = await this.addReadState(page.entries, chats);
    const entries = page.entries.flatMap(({ member_count }, n) => {
      const chat = listed[n];
      if (!chat) return [];
      chat.user_count = member_count;
      return [chat];
    });
    return { entries, next: page.next };
  }

  /**
   * Returns how far a member has read a chat, and how many messages follow.
   * @throws ParleyError (chat_not_found, not_a_member).
   */
  async getReadState(userId: number, chatId: number): Promise<ReadStateDto> {
    const [position] = await this.reader.query<ReadPosition | (ChatColumns & { read_next: null })>(
      `SELECT mine.read_next, ${CHAT_COLUMNS} FROM chats c
       LEFT JOIN members mine ON mine.chat_id = c.id AND mine.user_id = ? WHERE c.id = ?`,
      [userId, chatId],
    );
    if (!position) throw chatNotFound();
    if (position.read_next === null) throw notAMember();
    const [unread] = await this.messages.countUnread([position]);
    return { index: position.read_next - 1, unread };
  }

  /** As {@link getReadState}, of those of up to 1,000 chats that the user is in. */
  async findReadStates(userId: number, chatIds: number[]): Promise<Map<number, ReadStateDto>> {
    if (chatIds.length === 0) return new Map();
    const positions = await this.reader.query<ReadPosition>(
      `SELECT mine.read_next, ${CHAT_COLUMNS} FROM members mine JOIN chats c ON c.id = mine.chat_id
       WHERE mine.user_id = ? AND mine.chat_id IN (${placeholders(chatIds.length)})`,
      [userId, ...chatIds],
    );
    const unread = await this.messages.countUnread(positions);
    return new Map(
      positions.map(({ id, read_next }, n) => [id, { index: read_next - 1, unread: unread[n] }]),
    );
  }

  private async findAll(userIds: number[]): Promise<ChatDto[][]> {
    const ids = [...new Set(userIds)];
    const where = `mine.user_id IN (${placeholders(ids.length)})`;
    const [rows, members] = await Promise.all([this.chatsOf(where, ids), this.membersOf(where, ids)]);
    if (rows.length > MAX_CHATS_PER_QUERY || members.length > MAX_MEMBERS_PER_QUERY) {
      const lists = new Map<number, ChatDto[]>();
      for (const id of ids) lists.set(id, await this.findInChunks(id));
      return userIds.map((id) => lists.get(id) ?? []);
    }
    rows.sort(byActivity);
    // A chat of several readers comes with its members once for each of them.
    const sourceOf = new Map(members.map(({ chat_id, reader_id }) => [chat_id, reader_id]));
    const membersByChat = groupByChat(
      members.filter(({ chat_id, reader_id }) => sourceOf.get(chat_id) === reader_id),
    );
    const chats = await this.addReadState(rows, await this.assemble(rows, membersByChat));
    const lists = new Map<number, ChatDto[]>(ids.map((id) => [id, []]));
    for (const [n, { id, reader_id }] of rows.entries()) {
      const chat = chats[n];
      if (chat && isMember(membersByChat.get(id), reader_id)) lists.get(reader_id)?.push(chat);
    }
    return userIds.map((userId) => lists.get(userId) ?? []);
  }

  /** Reads a list that is too long for two queries. */
  private async findInChunks(userId: number): Promise<ChatDto[]> {
    const chatIds = await readInChunks(
      (after, limit) => this.chatIdsOf(userId, after, limit),
      ({ chat_id }) => chat_id,
    );
    const listed: ListedChat[] = [];
    for (const some of chunks(chatIds, CHUNK_SIZE)) {
      listed.push(
        ...(await this.findSome(
          userId,
          some.map(({ chat_id }) => chat_id),
        )),
      );
    }
    return listed.toSorted((a, b) => byActivity(a.row, b.row)).map(({ chat }) => chat);
  }

  /** Returns those of the chats that the user is in. */
  private async findSome(userId: number, chatIds: number[]): Promise<ListedChat[]> {
    const where = `mine.user_id = ? AND mine.chat_id IN (${placeholders(chatIds.length)})`;
    const [rows, members] = await Promise.all([
      this.chatsOf(where, [userId, ...chatIds]),
      this.allMembersOf(chatIds),
    ]);
    const membersByChat = groupByChat(members);
    const chats = await this.addReadState(rows, await this.assemble(rows, membersByChat));
    return rows.flatMap((row, n) => {
      const chat = chats[n];
      return chat && isMember(membersByChat.get(row.id), userId) ? [{ row, chat }] : [];
    });
  }

  /** Adds what differs from reader to reader. Returns the chat of each row, if it is still there. */
  private async addReadState(
    rows: ChatRow[],
    chats: ReadonlyMap<number, SharedChat>,
  ): Promise<(ChatDto | undefined)[]> {
    const unread = await this.messages.countUnread(rows);
    return rows.map(({ id, read_next }, n) => {
      const shared = chats.get(id);
      if (!shared) return undefined;
      // Not a spread, which takes several times as long.
      const { uuid, name, users, messages, owner, room_id } = shared;
      const read = read_next === 0 ? null : read_next - 1;
      return { uuid, name, users, messages, unread: unread[n], read, owner, room_id };
    });
  }

  /** Returns chats by their ids. Both maps may hold chats that a reader has just left. */
  private async assemble(
    rows: ChatRow[],
    membersByChat: ReadonlyMap<number, MemberRow[]>,
  ): Promise<Map<number, SharedChat>> {
    const byId = new Map(rows.map((row) => [row.id, row]));
    const latest = await this.latestOf([...byId.values()]);
    const userIds = new Set(latest.map(({ sender_id }) => sender_id));
    for (const { owner_id } of byId.values()) if (owner_id !== null) userIds.add(owner_id);
    for (const members of membersByChat.values()) for (const { user_id } of members) userIds.add(user_id);
    const userNames = await this.names.findByIds(userIds);
    const messages = await this.assembler.assemble(latest, userNames);
    const messageOf = new Map(latest.map(({ id }, index) => [id, messages[index]]));
    // Messages of users who are being erased.
    const hidden = [...messageOf.keys()].filter((id) => !messageOf.get(id));
    await inParallel(hidden, async (id) => {
      messageOf.set(id, await this.latestVisible(id));
    });

    const chats = new Map<number, SharedChat>();
    for (const { id, uuid, name, owner_id, room_id } of byId.values()) {
      const members = membersByChat.get(id) ?? [];
      const users = members
        .toSorted((a, b) => a.since - b.since)
        .flatMap(({ user_id }) => userNames.get(user_id) ?? []);
      const message = messageOf.get(id);
      const owner = (owner_id === null ? undefined : userNames.get(owner_id)?.username) ?? null;
      chats.set(id, { uuid, name, users, messages: message ? [message] : [], owner, room_id });
    }
    return chats;
  }

  private chatsOf(where: string, values: SqlValue[]): Promise<(ChatRow & OfReader)[]> {
    return this.reader.query(
      `SELECT mine.user_id AS reader_id, mine.read_next, ${CHAT_COLUMNS}, ${MESSAGE_COLUMNS}
       FROM members mine JOIN chats c ON c.id = mine.chat_id
       LEFT JOIN messages m ON m.chat_id = c.id AND m.seq = c.next_seq - 1
       WHERE ${where} LIMIT ${MAX_CHATS_PER_QUERY + 1}`,
      values,
    );
  }

  /** Returns chats of a user, the latest activity first, from the one after the given time and id. */
  private chatsAfter(userId: number, limit: number, after: SortKey = [NEVER, 0]): Promise<ChatRow[]> {
    const [time, id] = after;
    return this.reader.query(
      `SELECT page.read_next, ${CHAT_COLUMNS}, ${MESSAGE_COLUMNS}
       FROM (SELECT later.id, mine.read_next FROM members mine JOIN chats later ON later.id = mine.chat_id
             WHERE mine.user_id = ? AND (later.last_sent_at < ? OR later.last_sent_at = ? AND later.id < ?)
             ORDER BY later.last_sent_at DESC, later.id DESC LIMIT ?) page
       JOIN chats c ON c.id = page.id LEFT JOIN messages m ON m.chat_id = c.id AND m.seq = c.next_seq - 1
       ORDER BY c.last_sent_at DESC, c.id DESC`,
      [userId, time, time, id, limit],
    );
  }

  private chatIdsOf(userId: number, after: number, limit: number): Promise<{ chat_id: number }[]> {
    return this.reader.query(
      `SELECT m.chat_id FROM members m JOIN chats c ON c.id = m.chat_id
       WHERE m.user_id = ? AND m.chat_id > ? ORDER BY m.chat_id LIMIT ?`,
      [userId, after, limit],
    );
  }

  private membersOf(where: string, values: SqlValue[]): Promise<(MemberRow & OfReader)[]> {
    return this.reader.query(
      `SELECT mine.user_id AS reader_id, their.chat_id, their.user_id, their.since
       FROM members mine JOIN chats c ON c.id = mine.chat_id JOIN members their ON their.chat_id = c.id
       WHERE ${where} LIMIT ${MAX_MEMBERS_PER_QUERY + 1}`,
      values,
    );
  }

  /** Returns all members of chats, in queries of up to 5,000 rows. */
  async allMembersOf(chatIds: number[]): Promise<MemberRow[]> {
    const members: MemberRow[] = [];
    let rest = chatIds;
    while (rest.length > 0) {
      const some = await this.reader.query<MemberRow>(
        `${SELECT_MEMBERS} WHERE chat_id IN (${placeholders(rest.length)}) ORDER BY chat_id, since LIMIT ?`,
        [...rest, MAX_ROWS_PER_QUERY],
      );
      members.push(...some);
      if (some.length < MAX_ROWS_PER_QUERY) break;
      const last = some[some.length - 1];
      const others = await readInChunks(
        (since, limit) => this.membersAfter(last.chat_id, since, limit),
        ({ since }) => since,
        last.since,
      );
      for (const member of others) members.push(member);
      rest = rest.filter((id) => id > last.chat_id);
    }
    return members;
  }

  private membersAfter(chatId: number, since: number, limit: number): Promise<MemberRow[]> {
    const sql = `${SELECT_MEMBERS} WHERE chat_id = ? AND since > ? ORDER BY since LIMIT ?`;
    return this.reader.query(sql, [chatId, since, limit]);
  }

  /** Returns up to 100 members of each chat, the most senior ones. */
  private async firstMembersOf(chats: ChatRow[]): Promise<MemberRow[]> {
    const isSmall = ({ member_count }: ChatRow) => member_count <= MAX_USERS_SHOWN;
    const small = chats.filter(isSmall).map(({ id }) => id);
    const large = chats.filter((chat) => !isSmall(chat)).map(({ id }) => id);
    const firstOfOne = `SELECT * FROM (${SELECT_MEMBERS} WHERE chat_id = ?
      AND user_id NOT IN ${ERASED_USERS} ORDER BY since LIMIT ${MAX_USERS_SHOWN}) one`;
    const found = await Promise.all([
      this.allMembersOf(small),
      large.length === 0
        ? []
        : this.reader.query<MemberRow>(large.map(() => firstOfOne).join(' UNION ALL '), large),
    ]);
    return found.flat();
  }

  private async latestVisible(chatId: number): Promise<MessageDto | undefined> {
    const [message] = await this.assembler.assemble(await this.messages.findLatestVisible(chatId));
    return message;
  }

  private async latestOf(chats: ChatRow[]): Promise<LatestRow[]> {
    const latest: LatestRow[] = chats.filter((chat) => chat.seq !== null);
    const others = chats
      .filter(({ seq, next_seq, deleted_count }) => seq === null && next_seq > deleted_count)
      .map(({ id }) => id);
    for (const some of chunks(others)) latest.push(...(await this.latestBeforeDeleted(some)));
    return latest;
  }

  /** Returns the latest messages of chats whose last one is deleted. */
  private latestBeforeDeleted(chatIds: number[]): Promise<LatestRow[]> {
    return this.reader.query(
      `SELECT c.id, ${MESSAGE_COLUMNS} FROM chats c JOIN messages m ON m.chat_id = c.id AND m.seq = (
         -- Not MAX: MariaDB would read the whole chat for it.
         SELECT seq FROM messages WHERE chat_id = c.id ORDER BY seq DESC LIMIT 1)
       WHERE c.id IN (${placeholders(chatIds.length)})`,
      chatIds,
    );
  }
}

function byActivity(a: ChatRow, b: ChatRow): number {
  return b.last_sent_at - a.last_sent_at || b.id - a.id;
}

function isMember(members: MemberRow[] | undefined, userId: number): boolean {
  return members?.some(({ user_id }) => user_id === userId) ?? false;
}

function groupByChat(members: MemberRow[]): Map<number, MemberRow[]> {
  const groups = new Map<number, MemberRow[]>();
  for (const member of members) {
    const group = groups.get(member.chat_id);
    if (group) group.push(member);
    else groups.set(member.chat_id, [member]);
  }
  return groups;
}
