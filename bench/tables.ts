import { hash } from '@node-rs/argon2';
import { now } from '../src/helpers/clock.js';
import { fold } from '../src/helpers/text.js';
import { Settings } from '../src/config/settings.js';
import type { SqlValue } from '../src/database/driver.js';
import { BLOCK_BITS } from '../src/messages/sender-block.entity.js';
import { searchTerms } from '../src/users/user-search.js';
import type { BenchDatabase } from './databases.js';
import type { Progress } from './progress.js';
import type { World } from './seed.js';
import { makeUsernames, MESSAGES } from './texts.js';

/**
 * Writes straight into the tables what would take the API too long (100,000 registrations are 100,000 argon2
 * hashes, half an hour of them): the rows that the server itself would have written.
 */
export async function seedTables(database: BenchDatabase, world: World, progress: Progress): Promise<void> {
  for (const chat of world.longChats.slice(1)) await fillChat(database, world, chat, progress);
  await addUsers(database, world.scale.users, progress);
}

/** Between two messages of a long chat, in microseconds. */
const PAUSE = 20_000_000;

/** The chat has its first message already. */
async function fillChat(
  database: BenchDatabase,
  { speakers }: World,
  { uuid, size }: { uuid: string; size: number },
  progress: Progress,
): Promise<void> {
  const [chat] = await database.query<{ id: number; last_sent_at: number }>(
    'SELECT id, last_sent_at FROM chats WHERE uuid = ?',
    [uuid],
  );
  const senders = await database.query<{ id: number }>(
    `SELECT id FROM users WHERE username_key LIKE 'speaker%' ORDER BY id`,
  );
  if (senders.length !== speakers.length) throw new Error('not all speakers are there');
  // In the past, as a history is: the first message becomes the oldest.
  const start = chat.last_sent_at - size * PAUSE;
  const sentAt = (seq: number) => start + seq * PAUSE;
  progress.start(`${size} messages, into the tables`, size);
  const messages = { table: 'messages', columns: ['chat_id', 'seq', 'sender_id', 'type', 'text', 'sent_at'] };
  await database.insert(messages, size - 1, (index) => {
    progress.step();
    const seq = index + 1;
    const text = MESSAGES[seq % MESSAGES.length];
    return [chat.id, seq, senders[seq % senders.length].id, 'message', text, sentAt(seq)];
  });
  await database.query('UPDATE messages SET sent_at = ? WHERE chat_id = ? AND seq = 0', [start, chat.id]);
  await database.query('DELETE FROM sender_blocks WHERE chat_id = ?', [chat.id]);
  await database.query(
    `INSERT INTO sender_blocks (sender_id, chat_id, block)
     SELECT DISTINCT sender_id, chat_id, seq >> ${BLOCK_BITS} FROM messages WHERE chat_id = ?`,
    [chat.id],
  );
  await database.query('UPDATE chats SET next_seq = ?, last_sent_at = ? WHERE id = ?', [
    size,
    sentAt(size - 1),
    chat.id,
  ]);
  progress.stop();
}

async function addUsers(database: BenchDatabase, count: number, progress: Progress): Promise<void> {
  const [{ last }] = await database.query<{ last: number }>('SELECT MAX(id) AS last FROM users');
  // One hash for all of them: nobody logs in as one.
  const passwordHash = await hash('', new Settings().hashing);
  const usernames = makeUsernames(count);
  const first = last + 1;
  progress.start(`${count} users, into the tables`, count);
  const columns = [
    'id',
    'username',
    'username_key',
    'name',
    'email',
    'email_key',
    'verified',
    'password_hash',
  ];
  await database.insert({ table: 'users', columns: [...columns, 'created_at'] }, count, (index) => {
    const username = usernames[index];
    const email = `${username}@example.com`;
    const name = `${username[0].toUpperCase()}${username.slice(1)} Müller`;
    return [first + index, username, fold(username), name, email, fold(email), 0, passwordHash, now()];
  });
  const terms = new Map<string, SqlValue[][]>();
  for (const [index, username] of usernames.entries()) {
    for (const [kind, term] of searchTerms(fold(username))) {
      const rows = terms.get(kind);
      const row = [kind, term, first + index];
      if (rows) rows.push(row);
      else terms.set(kind, [row]);
    }
    progress.step();
  }
  progress.stop();
  for (const [kind, rows] of terms) await addTerms(database, kind, rows, progress);
}

async function addTerms(
  database: BenchDatabase,
  kind: string,
  rows: SqlValue[][],
  progress: Progress,
): Promise<void> {
  progress.start(`${rows.length} search terms (${kind}), into the tables`, rows.length);
  // In the order of the key, each page of the table is written once.
  rows.sort(([, a], [, b]) => (String(a) < String(b) ? -1 : 1));
  await database.insert(
    { table: 'user_search_terms', columns: ['kind', 'term', 'user_id'] },
    rows.length,
    (index) => {
      progress.step();
      return rows[index];
    },
  );
  progress.stop();
}
