import type { EntityManager } from 'typeorm';
import { BLOCK_BITS } from '../src/messages/sender-block.entity.js';
import { searchTerms } from '../src/users/user-search.js';
import { connect } from './databases.js';
import type { LongChat, SeedData } from './seed.js';

const ROWS_PER_STATEMENT = 2000;
const TABLES = 'users, user_search_terms, chats, members, messages';
const HOUR_MICROSECONDS = 3_600_000_000;

/** Writes rows as Parley would. The API would take too long: it would hash 100,000 passwords. */
export async function seedTables(databaseUrl: string, { longChats, usernames }: SeedData): Promise<void> {
  await connect(databaseUrl, async (source) => {
    const isSqlite = source.options.type === 'better-sqlite3';
    const flushLater = 'PRAGMA synchronous = NORMAL';
    await source.query(isSqlite ? flushLater : 'SET unique_checks = 0, foreign_key_checks = 0');
    await source.transaction(async (manager) => {
      const [shortChat, ...others] = longChats;
      for (const chat of others) await copyMessages(manager, shortChat, chat);
      await addUsers(manager, usernames);
    });
    // Write to disk what the database would otherwise write while the servers are measured.
    const statements = isSqlite
      ? ['PRAGMA wal_checkpoint(TRUNCATE)']
      : [`ANALYZE TABLE ${TABLES}`, `FLUSH TABLES ${TABLES} FOR EXPORT`, 'UNLOCK TABLES'];
    for (const sql of statements) await source.query(sql);
  });
}

/** Fills `to` with copies of all messages of `from`, each copy an hour later than the one before. */
async function copyMessages(manager: EntityManager, from: LongChat, to: LongChat): Promise<void> {
  for (let start = 0; start < to.size; start += from.size) {
    const copiesToCome = (to.size - start) / from.size;
    await manager.query(
      `REPLACE INTO messages (chat_id, seq, sender_id, type, text, sent_at)
       SELECT target.id, seq + ?, sender_id, type, text, sent_at - ? FROM messages
       JOIN chats origin ON origin.id = chat_id JOIN chats target ON target.uuid = ? WHERE origin.uuid = ?`,
      [start, copiesToCome * HOUR_MICROSECONDS, to.uuid, from.uuid],
    );
  }
  await manager.query(
    `UPDATE chats SET next_seq = ?,
       last_sent_at = (SELECT MAX(sent_at) FROM messages WHERE chat_id = chats.id) WHERE uuid = ?`,
    [to.size, to.uuid],
  );
  await manager.query(
    `REPLACE INTO sender_blocks (sender_id, chat_id, block)
     SELECT DISTINCT sender_id, chat_id, seq >> ${BLOCK_BITS} FROM messages
     JOIN chats ON chats.id = chat_id WHERE uuid = ?`,
    [to.uuid],
  );
}

async function addUsers(manager: EntityManager, usernames: string[]): Promise<void> {
  const [last] = await manager.query<{ id: number; password_hash: string; created_at: number }[]>(
    'SELECT id, password_hash, created_at FROM users ORDER BY id DESC LIMIT 1',
  );
  const users = usernames.map((username, index) => {
    const id = last.id + 1 + index;
    const name = `${username[0].toUpperCase()}${username.slice(1)} Müller`;
    const email = `${username}@example.com`;
    return [id, username, username, name, email, email, 0, last.password_hash, last.created_at];
  });
  const columns = 'id, username, username_key, name, email, email_key, verified, password_hash, created_at';
  await insertRows(manager, `users (${columns})`, users);
  const terms = usernames.flatMap((username, index) =>
    searchTerms(username).map(([kind, term]): [string, string, number] => [kind, term, last.id + 1 + index]),
  );
  // Rows in the order of the key fill each page of the table once.
  const compare = (a: string, b: string) => Number(a > b) - Number(a < b);
  terms.sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]));
  await insertRows(manager, 'user_search_terms (kind, term, user_id)', terms);
}

export async function insertRows(manager: EntityManager, target: string, rows: unknown[][]): Promise<void> {
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    const some = rows.slice(start, start + ROWS_PER_STATEMENT);
    const places = some.map((row) => `(${row.map(() => '?').join()})`);
    await manager.query(`INSERT INTO ${target} VALUES ${places.join()}`, some.flat());
  }
}
