import Database, { type Statement } from 'better-sqlite3';
import { createPool, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';

type Value = string | number;
type SentMessage = { seq: number; sentAt: number };

export interface FloorDatabase {
  query<Row>(sql: string, values: Value[]): Promise<Row[]>;
  /** Writes one message in a transaction of its own. Resolves when the transaction is flushed to disk. */
  send(chatId: number, senderId: number, text: string): Promise<SentMessage>;
  close(): Promise<void>;
}

/** The best of 10 to 64: with fewer a hot chat is slower, with more everything else is. */
const MYSQL_CONNECTIONS = 20;

const nowInMicroseconds = () => Date.now() * 1000;

export function openDatabase(url: string): FloorDatabase {
  return url.startsWith('sqlite:') ? openSqlite(url.slice('sqlite:'.length)) : openMysql(url);
}

function openSqlite(file: string): FloorDatabase {
  const database = new Database(file);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  const statements = new Map<string, Statement<Value[]>>();
  const prepare = (sql: string) => {
    const statement = statements.get(sql) ?? database.prepare<Value[]>(sql);
    statements.set(sql, statement);
    return statement;
  };
  const advance = database.prepare<Value[], SentMessage>(
    `UPDATE chats SET next_seq = next_seq + 1, last_sent_at = MAX(?, last_sent_at + 1) WHERE id = ?
     RETURNING next_seq - 1 AS seq, last_sent_at AS sentAt`,
  );
  const insert = database.prepare<Value[]>(
    `INSERT INTO messages (chat_id, seq, sender_id, type, text, sent_at) VALUES (?, ?, ?, 'message', ?, ?)`,
  );
  const send = database.transaction((chatId: number, senderId: number, text: string) => {
    const sent = advance.get(nowInMicroseconds(), chatId);
    if (!sent) throw new Error('the chat does not exist');
    insert.run(chatId, sent.seq, senderId, text, sent.sentAt);
    return sent;
  });
  return {
    query: async <Row>(sql: string, values: Value[]) => prepare(sql).all(...values) as Row[],
    send: async (chatId, senderId, text) => send.immediate(chatId, senderId, text),
    close: async () => void database.close(),
  };
}

function openMysql(url: string): FloorDatabase {
  const pool = createPool({ uri: url, charset: 'utf8mb4_bin', connectionLimit: MYSQL_CONNECTIONS });
  // As in Parley: without gap locks, senders to different chats do not wait for each other.
  pool.pool.on('connection', (connection) => {
    connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', () => {});
  });
  return {
    query: async <Row>(sql: string, values: Value[]) =>
      (await pool.execute<(Row & RowDataPacket)[]>(sql, values))[0],
    // LAST_INSERT_ID returns the index and the time with the statements that write them.
    send: async (chatId, senderId, text) => {
      const connection = await pool.getConnection();
      try {
        await connection.query('BEGIN');
        const [{ insertId: seq }] = await connection.execute<ResultSetHeader>(
          `UPDATE chats SET next_seq = LAST_INSERT_ID(next_seq) + 1,
             last_sent_at = GREATEST(?, last_sent_at + 1) WHERE id = ?`,
          [nowInMicroseconds(), chatId],
        );
        const [{ insertId: sentAt }] = await connection.execute<ResultSetHeader>(
          `INSERT INTO messages (chat_id, seq, sender_id, type, text, sent_at)
           SELECT id, ?, ?, 'message', ?, LAST_INSERT_ID(last_sent_at) FROM chats WHERE id = ?`,
          [seq, senderId, text, chatId],
        );
        await connection.query('COMMIT');
        return { seq, sentAt };
      } catch (error) {
        await connection.query('ROLLBACK');
        throw error;
      } finally {
        connection.release();
      }
    },
    close: () => pool.end(),
  };
}
