import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import type { TestServer } from './server.js';

/** Writes many rows straight into the tables, because the API would take minutes. */
export class Filler {
  private readonly dataSource: DataSource;

  constructor({ app }: Pick<TestServer, 'app'>) {
    this.dataSource = app.get<DataSource>(getDataSourceToken());
  }

  async query<Row>(sql: string, values: (string | number)[] = []): Promise<Row[]> {
    return this.dataSource.query<Row[]>(sql, values);
  }

  async idOf(table: 'users' | 'chats', column: 'username' | 'uuid', value: string): Promise<number> {
    const [{ id }] = await this.query<{ id: number }>(`SELECT id FROM ${table} WHERE ${column} = ?`, [value]);
    return id;
  }

  /** Adds users `<prefix>0`, `<prefix>1` … */
  async addUsers(prefix: string, count: number): Promise<void> {
    await this.query(
      `INSERT INTO users (username, username_key, name, email, email_key, verified, password_hash, created_at)
       SELECT CONCAT('${prefix}', n), CONCAT('${prefix}', n), 'n', 'e', CONCAT('${prefix}', n), 0, '', 0
       FROM ${numbers(count)} ORDER BY n`,
    );
  }

  /** Adds all users with the prefix to a chat, after its present members. */
  async addMembers(chatId: number, prefix: string): Promise<void> {
    await this.query(
      `INSERT INTO members (chat_id, user_id, since, joined_at)
       SELECT ?, id, 3000000000000000 + id, 3000000000000000 + id FROM users WHERE username LIKE '${prefix}%'`,
      [chatId],
    );
    await this.countMembers();
  }

  /** Adds chats `<prefix>0`, `<prefix>1` … without messages, of which the user is the member; all were active at once. */
  async addChats(userId: number, prefix: string, count: number): Promise<void> {
    await this.query(
      `INSERT INTO chats (uuid, name, owner_id, is_permanent, next_seq, deleted_count, last_sent_at)
       SELECT CONCAT('${prefix}', n), CONCAT('${prefix}', n), ?, 1, 0, 0, 5 FROM ${numbers(count)} ORDER BY n`,
      [userId],
    );
    await this.query(
      `INSERT INTO members (chat_id, user_id, since, joined_at)
       SELECT id, ?, 1, id FROM chats WHERE uuid LIKE '${prefix}%'`,
      [userId],
    );
    await this.countMembers();
  }

  /** Makes public rooms of the chats with the prefix. */
  async addRooms(prefix: string): Promise<void> {
    await this.query(
      `INSERT INTO rooms (chat_id, name) SELECT id, name FROM chats WHERE uuid LIKE '${prefix}%' ORDER BY id`,
    );
  }

  /** Adds messages of the user after the present ones. */
  async addMessages(chatId: number, senderId: number, count: number): Promise<void> {
    const [{ next }] = await this.query<{ next: number }>('SELECT next_seq AS next FROM chats WHERE id = ?', [
      chatId,
    ]);
    await this.query(
      `INSERT INTO messages (chat_id, seq, sender_id, type, text, sent_at)
       SELECT ?, ${next} + n, ?, 'message', 'text', 3000000000000000 + ${next} + n FROM ${numbers(count)}`,
      [chatId, senderId],
    );
    await this.query('DELETE FROM sender_blocks WHERE chat_id = ?', [chatId]);
    await this.query(
      `INSERT INTO sender_blocks (sender_id, chat_id, block)
       SELECT DISTINCT sender_id, chat_id, seq >> 10 FROM messages WHERE chat_id = ?`,
      [chatId],
    );
    await this.query('UPDATE chats SET next_seq = next_seq + ? WHERE id = ?', [count, chatId]);
  }

  private async countMembers(): Promise<void> {
    await this.query(
      'UPDATE chats SET member_count = (SELECT COUNT(*) FROM members WHERE chat_id = chats.id)',
    );
    const newest = '(SELECT MAX(since) FROM members WHERE chat_id = chats.id)';
    await this.query(`UPDATE chats SET last_change_at = ${newest} WHERE last_change_at < ${newest}`);
  }
}

/** A table of the numbers `n` from 0 to `count` − 1, of up to 1,000,000. */
export function numbers(count: number): string {
  const digits = `(${Array.from({ length: 10 }, (_, d) => `SELECT ${d} AS d`).join(' UNION ALL ')})`;
  const tables = ['a', 'b', 'c', 'e', 'f', 'g'].map((name) => `${digits} ${name}`).join(', ');
  const n = 'a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d';
  return `(SELECT ${n} AS n FROM ${tables} WHERE ${n} < ${count}) numbers`;
}
