export type Value = string | number | null;

export interface Sent {
  seq: number;
  /** In microseconds. */
  sentAt: number;
}

/** What the floor asks of a database: statements that are prepared once, and the one transaction that it has. */
export interface FloorDatabase {
  query<Row>(sql: string, values: Value[]): Promise<Row[]>;
  /** A statement that changes something, flushed to disk when it resolves. */
  execute(sql: string, values: Value[]): Promise<void>;
  /** Writes a message in a transaction of its own, flushed to disk when it resolves. */
  send(chatId: number, senderId: number, text: string): Promise<Sent>;
  close(): Promise<void>;
}

/** Now, in Parley's microseconds. */
export const now = () => Date.now() * 1000;
