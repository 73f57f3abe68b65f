import Database from 'better-sqlite3';

export function isDatabaseError(error: unknown): boolean {
  return error instanceof Database.SqliteError;
}

/** Reads one state of a SQLite database while a server goes on writing. */
export class Snapshot {
  private constructor(private readonly database: Database.Database) {}

  /** Does not open read-only, because the last connection must be able to remove the write-ahead log. */
  static open(file: string): Snapshot {
    return new Snapshot(new Database(file, { fileMustExist: true }));
  }

  /** Moves on to the present state, which stays until the end. Meanwhile the write-ahead log keeps growing. */
  begin(): Set<string> {
    this.end();
    this.database.exec('BEGIN');
    return this.fileKeys();
  }

  end(): void {
    if (this.database.inTransaction) this.database.exec('COMMIT');
  }

  /** Returns the storage keys of the files that belong to a message. */
  fileKeys(): Set<string> {
    const sql = 'SELECT storage_key FROM files WHERE storage_key IS NOT NULL AND chat_id IS NOT NULL';
    return new Set(this.database.prepare<[], string>(sql).pluck().all());
  }

  /** Copies the database. Outside of a snapshot, each commit of the server would start the copy anew. */
  async copyTo(file: string): Promise<void> {
    await this.database.backup(file);
  }

  isIntact(): boolean {
    try {
      return this.database.pragma('quick_check(1)', { simple: true }) === 'ok';
    } catch {
      return false;
    }
  }

  close(): void {
    this.end();
    this.database.close();
  }
}
