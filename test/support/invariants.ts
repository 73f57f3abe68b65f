import { Reader } from '#src/database/unit-of-work.js';
import { removalsDone } from './removals.js';
import type { TestServer } from './server.js';

/** Queries that must find no rows. */
const VIOLATIONS = {
  'members without a chat': `SELECT * FROM members
    WHERE chat_id NOT IN (SELECT id FROM chats) AND chat_id NOT IN (SELECT chat_id FROM deleted_chats)`,
  'members without a user': `SELECT * FROM members
    WHERE user_id NOT IN (SELECT id FROM users) AND chat_id NOT IN (SELECT chat_id FROM deleted_chats)`,
  'chats that are there and deleted': 'SELECT * FROM deleted_chats WHERE chat_id IN (SELECT id FROM chats)',
  'messages without a chat': 'SELECT chat_id, seq FROM messages WHERE chat_id NOT IN (SELECT id FROM chats)',
  'messages without a sender':
    'SELECT chat_id, seq FROM messages WHERE sender_id NOT IN (SELECT id FROM users)',
  'messages without a row in sender_blocks': `SELECT chat_id, seq FROM messages m WHERE NOT EXISTS
    (SELECT 1 FROM sender_blocks b WHERE b.sender_id = m.sender_id AND b.chat_id = m.chat_id AND b.block = m.seq >> 10)`,
  'sender blocks without a chat': 'SELECT * FROM sender_blocks WHERE chat_id NOT IN (SELECT id FROM chats)',
  'sender blocks without a sender':
    'SELECT * FROM sender_blocks WHERE sender_id NOT IN (SELECT id FROM users)',
  'tokens without a user': 'SELECT * FROM tokens WHERE user_id NOT IN (SELECT id FROM users)',
  'mails without a user': 'SELECT * FROM mails WHERE user_id NOT IN (SELECT id FROM users)',
  'keys without a user': 'SELECT * FROM idempotency_keys WHERE user_id NOT IN (SELECT id FROM users)',
  'chats without members':
    'SELECT * FROM chats WHERE is_permanent = 0 AND id NOT IN (SELECT chat_id FROM members)',
  'chats whose owner is not a member': `SELECT c.* FROM chats c LEFT JOIN members m
    ON m.chat_id = c.id AND m.user_id = c.owner_id
    WHERE m.user_id IS NULL AND (c.owner_id IS NOT NULL OR c.member_count > 0)`,
  'chats with a wrong number of members': `SELECT c.* FROM chats c WHERE c.member_count <>
    (SELECT COUNT(*) FROM members WHERE chat_id = c.id)`,
  'chats with wrong counters': `SELECT c.*, COUNT(m.seq) AS live FROM chats c
    LEFT JOIN messages m ON m.chat_id = c.id GROUP BY c.id
    HAVING COUNT(m.seq) <> c.next_seq - c.deleted_count OR MAX(m.seq) >= c.next_seq`,
  'chats whose times are behind their histories': `SELECT c.* FROM chats c
    WHERE c.last_change_at < (SELECT MAX(at) FROM chat_changes WHERE chat_id = c.id)
      OR c.last_sent_at < (SELECT MAX(sent_at) FROM messages WHERE chat_id = c.id)
      OR c.last_change_at < (SELECT MAX(since) FROM members WHERE chat_id = c.id)`,
};

/** Returns the rows that violate an invariant, by its name; empty if all hold. Waits for removals to be done. */
export async function findViolations(server: TestServer): Promise<Record<string, unknown[]>> {
  await removalsDone(server);
  const broken: Record<string, unknown[]> = {};
  for (const [rule, query] of Object.entries(VIOLATIONS)) {
    const rows = await server.app.get(Reader).query(query);
    if (rows.length > 0) broken[rule] = rows;
  }
  return broken;
}
