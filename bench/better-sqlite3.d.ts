/** What the benchmark uses of better-sqlite3, which comes without types. */
declare module 'better-sqlite3' {
  export type SqliteValue = string | number | null;

  export interface Statement {
    /** Tells whether the statement gives rows. */
    readonly reader: boolean;
    all(...values: SqliteValue[]): unknown[];
    get(...values: SqliteValue[]): unknown;
    run(...values: SqliteValue[]): { changes: number };
  }

  export default class Database {
    constructor(file: string);
    pragma(text: string): unknown;
    prepare(sql: string): Statement;
    exec(sql: string): void;
    close(): void;
  }
}
