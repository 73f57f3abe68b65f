import { createPool, type Pool, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { type FloorDatabase, now, type Sent, type Value } from './database.js';

/** Measured from 10 to 64: fewer slow down a hot chat, whose senders wait for its row, and more slow down all else. */
const CONNECTIONS = 20;

const ADVANCE = `UPDATE chats SET next_seq = LAST_INSERT_ID(next_seq) + 1, last_sent_at = GREATEST(?, last_sent_at + 1)
  WHERE id = ?`;
const INSERT = `INSERT INTO messages (chat_id, seq, sender_id, type, text, sent_at)
  SELECT id, ?, ?, 'message', ?, LAST_INSERT_ID(last_sent_at) FROM chats WHERE id = ?`;

/** mysql2's prepared statements over its pool. */
export class MysqlFloor implements FloorDatabase {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = createPool({ uri: url, charset: 'utf8mb4_bin', connectionLimit: CONNECTIONS });
    // As Parley: no gap locks, so that senders to different chats never wait for each other.
    this.pool.pool.on('connection', (connection) => {
      connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', () => {});
    });
  }

  async query<Row>(sql: string, values: Value[]): Promise<Row[]> {
    const [rows] = await this.pool.execute<(Row & RowDataPacket)[]>(sql, values);
    return rows;
  }

  async execute(sql: string, values: Value[]): Promise<void> {
    await this.pool.execute(sql, values);
  }

  /** Four round trips: LAST_INSERT_ID brings the index and the time back with the statements that set them. */
  async send(chatId: number, senderId: number, text: string): Promise<Sent> {
    const connection = await this.pool.getConnection();
    try {
      await connection.query('BEGIN');
      const [{ insertId: seq }] = await connection.execute<ResultSetHeader>(ADVANCE, [now(), chatId]);
      const [{ insertId: sentAt }] = await connection.execute<ResultSetHeader>(INSERT, [
        seq,
        senderId,
        text,
        chatId,
      ]);
      await connection.query('COMMIT');
      return { seq, sentAt };
    } catch (error) {
      await connection.query('ROLLBACK');
      throw error;
    } finally {
      connection.release();
    }
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}
