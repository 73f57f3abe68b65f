import Database, { type Statement } from 'better-sqlite3';
import { type FloorDatabase, now, type Sent, type Value } from './database.js';

/** better-sqlite3 on one connection; WAL, and each commit flushed. */
export class SqliteFloor implements FloorDatabase {
  private readonly database: Database;
  private readonly statements = new Map<string, Statement>();

  constructor(file: string) {
    this.database = new Database(file);
    this.database.pragma('journal_mode = WAL');
    this.database.pragma('synchronous = FULL');
    this.database.pragma('foreign_keys = ON');
  }

  async query<Row>(sql: string, values: Value[]): Promise<Row[]> {
    return this.prepare(sql).all(...values) as Row[];
  }

  async execute(sql: string, values: Value[]): Promise<void> {
    this.prepare(sql).run(...values);
  }

  async send(chatId: number, senderId: number, text: string): Promise<Sent> {
    this.prepare('BEGIN IMMEDIATE').run();
    try {
      const sent = this.prepare(
        `UPDATE chats SET next_seq = next_seq + 1, last_sent_at = MAX(?, last_sent_at + 1) WHERE id = ?
         RETURNING next_seq - 1 AS seq, last_sent_at AS sentAt`,
      ).get(now(), chatId) as Sent;
      this.prepare(
        `INSERT INTO messages (chat_id, seq, sender_id, type, text, sent_at) VALUES (?, ?, ?, 'message', ?, ?)`,
      ).run(chatId, sent.seq, senderId, text, sent.sentAt);
      this.prepare('COMMIT').run();
      return sent;
    } catch (error) {
      this.prepare('ROLLBACK').run();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.database.close();
  }

  private prepare(sql: string): Statement {
    let statement = this.statements.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }
}
