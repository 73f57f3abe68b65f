import { Reader } from '#src/database/unit-of-work.js';
import type { TestServer } from './server.js';

/** What must never be in the database, as the query that would find it. */
const NEVER = {
  'members of no chat': 'SELECT * FROM members WHERE chat_id NOT IN (SELECT id FROM chats)',
  'members who are no users': 'SELECT * FROM members WHERE user_id NOT IN (SELECT id FROM users)',
  'messages of no chat': 'SELECT chat_id, seq FROM messages WHERE chat_id NOT IN (SELECT id FROM chats)',
  'messages of nobody': 'SELECT chat_id, seq FROM messages WHERE sender_id NOT IN (SELECT id FROM users)',
  'messages that their sender’s blocks do not tell of': `SELECT chat_id, seq FROM messages m WHERE NOT EXISTS
    (SELECT 1 FROM sender_blocks b WHERE b.sender_id = m.sender_id AND b.chat_id = m.chat_id AND b.block = m.seq >> 10)`,
  'chats without members': 'SELECT * FROM chats WHERE id NOT IN (SELECT chat_id FROM members)',
  'chats whose owner is no member': `SELECT c.* FROM chats c LEFT JOIN members m
    ON m.chat_id = c.id AND m.user_id = c.owner_id WHERE m.user_id IS NULL`,
  'chats that miscount their messages': `SELECT c.*, COUNT(m.seq) AS live FROM chats c
    LEFT JOIN messages m ON m.chat_id = c.id GROUP BY c.id
    HAVING COUNT(m.seq) <> c.next_seq - c.deleted_count OR MAX(m.seq) >= c.next_seq`,
};

/** Nothing, unless the server broke its own rules. */
export async function brokenRules({ app }: TestServer): Promise<Record<string, unknown[]>> {
  const broken: Record<string, unknown[]> = {};
  for (const [rule, query] of Object.entries(NEVER)) {
    const rows = await app.get(Reader).query(query);
    if (rows.length > 0) broken[rule] = rows;
  }
  return broken;
}
