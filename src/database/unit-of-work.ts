import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource, EntityManager } from 'typeorm';
import { type Connection, type Driver, type Outcome, type SqlValue, type Statement } from './driver.js';
import { Mysql } from './mysql.js';
import { Sqlite } from './sqlite.js';
import { isRetryable } from './driver-errors.js';

/** The data source that reads what is committed; see {@link openReader}. */
export const READER = Symbol('READER');

const MAX_ATTEMPTS = 8;
/** In milliseconds; grows with each attempt. */
const PAUSE = 20;

const COMMIT: Statement = { sql: 'COMMIT', values: [] };

/** One transaction on either database. Valid until the unit of work that made it ends. */
export class Transaction {
  /** Appended to a SELECT, keeps others from changing or locking its rows. SQLite has one writer: nothing to lock. */
  readonly forUpdate: string;
  /** Appended to a SELECT, keeps its rows as they are until the end. */
  readonly forShare: string;
  private readonly hooks: (() => void)[] = [];
  private readonly effects: (() => void)[] = [];
  /** What goes to the database with the next statement: a round trip costs more than most statements. */
  private deferred: Statement[];

  constructor(
    private readonly connection: Connection,
    private readonly driver: Driver,
  ) {
    const { oneWriter, begin } = driver;
    this.forUpdate = oneWriter ? '' : ' FOR UPDATE';
    this.forShare = oneWriter ? '' : ' LOCK IN SHARE MODE';
    this.deferred = [{ sql: begin, values: [] }];
  }

  /** The rows of a SELECT. */
  async query<Row>(sql: string, values: SqlValue[] = []): Promise<Row[]> {
    const [{ rows }] = await this.send([{ sql, values }]);
    return rows as Row[];
  }

  /** The rows of several SELECTs, one after the other in one round trip. */
  async queryAll(statements: Statement[]): Promise<unknown[][]> {
    return (await this.send(statements)).map(({ rows }) => rows);
  }

  /** Runs an INSERT, UPDATE or DELETE and tells how many rows matched. */
  async execute(sql: string, values: SqlValue[] = []): Promise<number> {
    const [{ affected }] = await this.send([{ sql, values }]);
    return affected;
  }

  /** As {@link execute}, several in one round trip. */
  async executeAll(statements: Statement[]): Promise<number[]> {
    return (await this.send(statements)).map(({ affected }) => affected);
  }

  /**
   * An INSERT, UPDATE or DELETE of which nobody asks how many rows matched: it goes along with the next statement or
   * with the commit, and that is what fails where it does.
   */
  defer(sql: string, values: SqlValue[] = []): void {
    this.deferred.push({ sql, values });
  }

  /**
   * New rows, deferred; `into` names the table and its columns. SQLite gets them one by one: for a statement of several
   * rows it would copy each page that it touches, to a file when they are many, in case that fails halfway.
   */
  insert(into: string, rows: SqlValue[][]): void {
    if (rows.length === 0) return;
    const together = this.driver.oneWriter ? 1 : rows.length;
    const places = Array(together)
      .fill(`(${placeholders(rows[0].length)})`)
      .join(', ');
    const sql = `INSERT INTO ${into} VALUES ${places}`;
    for (let start = 0; start < rows.length; start += together) {
      this.defer(sql, rows.slice(start, start + together).flat());
    }
  }

  /** TypeORM's entity manager, for the rows whose speed does not matter. */
  async manager(): Promise<EntityManager> {
    await this.send([]);
    return this.connection.manager;
  }

  /** Sends what was deferred, and then these, of which it tells the outcomes. */
  private async send(statements: Statement[]): Promise<Outcome[]> {
    const before = this.deferred.splice(0);
    if (before.length + statements.length === 0) return [];
    const outcomes = await this.connection.send([...before, ...statements]);
    return outcomes.slice(before.length);
  }

  /** Runs `hook` when the work is done, before the commit; it may defer statements. */
  beforeCommit(hook: () => void): void {
    this.hooks.push(hook);
  }

  async commit(): Promise<void> {
    for (const hook of this.hooks) hook();
    await this.send([COMMIT]);
  }

  /** Runs `effect` once the transaction is on disk, and not at all if it is rolled back. */
  afterCommit(effect: () => void): void {
    this.effects.push(effect);
  }

  /** What is committed stays so, and the caller is told so, whatever becomes of the effects. */
  runEffects(): void {
    for (const effect of this.effects) {
      try {
        effect();
      } catch (error) {
        new Logger('UnitOfWork').error(`effect after commit failed: ${(error as Error).message}`);
      }
    }
  }
}

/**
 * The only way to write. On SQLite, where TypeORM has one connection, units run one after the other:
 * two that interleaved there would be one transaction, and the rollback of either would undo rows that
 * the other has acknowledged. On MySQL each takes a connection of the pool.
 */
@Injectable()
export class UnitOfWork {
  private readonly driver: Driver;
  private last: Promise<unknown> = Promise.resolve();

  constructor(@InjectDataSource() dataSource: DataSource) {
    this.driver = driverOf(dataSource);
  }

  /**
   * Runs `work` in a transaction: what it returns is committed, what it throws rolls everything back.
   * A deadlock runs it again, so `work` must touch nothing but the transaction, and must not begin
   * another unit of work.
   */
  run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (!this.driver.oneWriter) return this.attempt(work);
    const result = this.last.then(() => this.attempt(work));
    this.last = result.catch(() => {});
    return result;
  }

  private async attempt<T>(work: (tx: Transaction) => Promise<T>, count = 1): Promise<T> {
    try {
      return await this.transact(work);
    } catch (error) {
      if (count >= MAX_ATTEMPTS || !isRetryable(error)) throw error;
      // Those that met now should not meet again.
      await sleep(Math.random() * PAUSE * count);
      return this.attempt(work, count + 1);
    }
  }

  /** TypeORM's own bookkeeping of transactions is left aside: it loses count when SQLite rolls back by itself. */
  private transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.driver.use(async (connection) => {
      const tx = new Transaction(connection, this.driver);
      try {
        const value = await work(tx);
        await tx.commit();
        tx.runEffects();
        return value;
      } catch (error) {
        await connection.rollBack().catch(({ message }: Error) => {
          new Logger('UnitOfWork').error(`rollback failed: ${message}`);
        });
        throw error;
      }
    });
  }
}

/** Reads outside of a transaction: what is committed, and nothing else. */
@Injectable()
export class Reader {
  private readonly driver: Driver;

  constructor(@Inject(READER) dataSource: DataSource) {
    this.driver = driverOf(dataSource);
  }

  /** The rows of a SELECT. */
  query<Row>(sql: string, values: SqlValue[] = []): Promise<Row[]> {
    return this.driver.read({ sql, values }) as Promise<Row[]>;
  }

  /** Reads entities, by the `find` methods of TypeORM's entity manager alone. */
  run<T>(read: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.driver.use(({ manager }) => read(manager));
  }

  /** The row of each key, in the order of the keys; the SELECT ends with the column that has them. */
  async queryEach<Key extends SqlValue, Row>(
    select: string,
    keys: Key[],
    keyOf: (row: Row) => Key,
  ): Promise<(Row | undefined)[]> {
    const all = padded(keys);
    const rows = await this.query<Row>(`${select} IN (${placeholders(all.length)})`, all);
    const found = new Map(rows.map((row) => [keyOf(row), row]));
    return keys.map((key) => found.get(key));
  }
}

function driverOf(dataSource: DataSource): Driver {
  return dataSource.options.type === 'better-sqlite3' ? new Sqlite(dataSource) : new Mysql(dataSource);
}

/**
 * The values with the last one repeated up to a power of two, and to `least` of them, for a list in a read: reads are
 * prepared, once for each length of a list on each connection.
 */
export function padded<Value>(values: Value[], least = 1): Value[] {
  const length = Math.max(least, 2 ** Math.ceil(Math.log2(values.length)));
  return [...values, ...Array<Value>(length - values.length).fill(values[values.length - 1])];
}

/** A table of `rows` rows to join, for look-ups by more than one column; `columns` is `? AS a, CAST(? AS SIGNED) AS b`. */
export function inlineTable(rows: number, columns: string): string {
  return `(${Array(rows).fill(`SELECT ${columns}`).join(' UNION ALL ')})`;
}

/** `?, ?, ?` for an IN list of `count` values. */
export function placeholders(count: number): string {
  return Array(count).fill('?').join(', ');
}

/** The values in groups of as many as one round trip may well bring. */
export function chunks<Value>(values: Value[], size = 1000): Value[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, n) =>
    values.slice(n * size, (n + 1) * size),
  );
}
