import type { FloorDatabase } from './database.js';

/** What the floor reads, in SQL that both databases understand. */

/** Who is calling, and their chat: the session and the membership in one look. */
export interface Access {
  user_id: number;
  chat_id: number | null;
  deleted_count: number;
  member: number | null;
}

export interface ChatCounters {
  chat_id: number;
  deleted_count: number;
}

export async function findAccess(database: FloorDatabase, tokenId: string, chat: string) {
  const [access] = await database.query<Access>(
    `SELECT t.user_id, c.id AS chat_id, c.deleted_count, m.user_id AS member FROM tokens t
     LEFT JOIN chats c ON c.uuid = ?
     LEFT JOIN members m ON m.chat_id = c.id AND m.user_id = t.user_id
     WHERE t.id = ? AND t.kind = 'authentication'`,
    [chat, tokenId],
  );
  return access;
}

export async function findSession(database: FloorDatabase, tokenId: string): Promise<number | undefined> {
  const [session] = await database.query<{ user_id: number }>(
    `SELECT user_id FROM tokens WHERE id = ? AND kind = 'authentication'`,
    [tokenId],
  );
  return session?.user_id;
}

const MESSAGE = `m.seq, m.type, m.text, m.sent_at, m.edited_at, u.name, u.username`;

export interface MessageRow {
  seq: number;
  type: string;
  text: string;
  sent_at: number;
  edited_at: number | null;
  name: string;
  username: string;
}

const toMessage = (row: MessageRow) => ({
  index: row.seq,
  type: row.type,
  sender: row,
  message: row.text,
  file: null,
  timestamp: row.sent_at * 1000,
  edited: row.edited_at === null ? null : row.edited_at * 1000,
});

export async function findMessage(database: FloorDatabase, chatId: number, seq: number) {
  const [row] = await database.query<MessageRow>(
    `SELECT ${MESSAGE} FROM messages m JOIN users u ON u.id = m.sender_id WHERE m.chat_id = ? AND m.seq = ?`,
    [chatId, seq],
  );
  return row && toMessage(row);
}

/** The page of `limit` messages behind the first `offset` ones; while none is deleted their indices tell where it is. */
export function findPage(database: FloorDatabase, chat: ChatCounters, offset: number, limit: number) {
  if (chat.deleted_count === 0) return findAfter(database, chat.chat_id, offset - 1, limit);
  return findRange(database, 'm.seq >= ?', 'ASC', [chat.chat_id, 0], `${limit} OFFSET ${offset}`);
}

/** The `limit` messages after index `after`, oldest first. */
export function findAfter(database: FloorDatabase, chatId: number, after: number, limit: number) {
  return findRange(database, 'm.seq > ?', 'ASC', [chatId, after], String(limit));
}

/** The `limit` messages before index `before`, oldest first. */
export async function findBefore(database: FloorDatabase, chatId: number, before: number, limit: number) {
  return (await findRange(database, 'm.seq < ?', 'DESC', [chatId, before], String(limit))).toReversed();
}

/**
 * The limit stands in the text: it is made of checked numbers, and nearly always 100. Every message has a sender; the
 * outer join says in which order to read, so that no statistics make MariaDB begin with the users.
 */
async function findRange(
  database: FloorDatabase,
  condition: string,
  order: 'ASC' | 'DESC',
  values: number[],
  limit: string,
) {
  const rows = await database.query<MessageRow>(
    `SELECT ${MESSAGE} FROM messages m LEFT JOIN users u ON u.id = m.sender_id
     WHERE m.chat_id = ? AND ${condition} ORDER BY m.seq ${order} LIMIT ${limit}`,
    values,
  );
  return rows.map(toMessage);
}

type ChatRow = { id: number; uuid: string; chat_name: string } & (MessageRow | { seq: null });

interface ChatUser {
  chat_id: number;
  name: string;
  username: string;
}

/** All chats of a user, the latest activity first, each with its users and its latest message. */
export async function findChats(database: FloorDatabase, userId: number) {
  const [chats, members] = await Promise.all([
    database.query<ChatRow>(
      `SELECT c.id, c.uuid, c.name AS chat_name, ${MESSAGE} FROM members mine
       JOIN chats c ON c.id = mine.chat_id
       LEFT JOIN messages m ON m.chat_id = c.id AND m.seq = (
         SELECT seq FROM messages WHERE chat_id = c.id ORDER BY seq DESC LIMIT 1)
       LEFT JOIN users u ON u.id = m.sender_id
       WHERE mine.user_id = ? ORDER BY c.last_sent_at DESC, c.id DESC`,
      [userId],
    ),
    database.query<ChatUser>(
      `SELECT their.chat_id, u.name, u.username FROM members mine
       JOIN members their ON their.chat_id = mine.chat_id
       JOIN users u ON u.id = their.user_id
       WHERE mine.user_id = ? ORDER BY their.since`,
      [userId],
    ),
  ]);
  const usersOf = new Map<number, ChatUser[]>(chats.map(({ id }) => [id, []]));
  for (const member of members) usersOf.get(member.chat_id)?.push(member);
  return chats.map((row) => ({
    uuid: row.uuid,
    name: row.chat_name,
    users: usersOf.get(row.id),
    messages: row.seq === null ? [] : [toMessage(row)],
  }));
}
