import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource, EntityManager } from 'typeorm';
import {
  type Connection,
  DATABASE_DEADLINE_MS,
  type Driver,
  type Outcome,
  type SqlValue,
  type Statement,
} from './driver.js';
import { Mysql, MysqlDataSource } from './mysql.js';
import { type Load, poolLoad } from './pool-load.js';
import { Sqlite } from './sqlite.js';
import { DatabaseUnavailable, isRetryable } from './driver-errors.js';
import { type TopicPayloads, type Topic, Topics } from './topics.js';

export const READER = Symbol('READER');

const MAX_WAITING_UNITS = 1_000;

/** Two nodes of a cluster that write one chat abort each other often. */
const MAX_ATTEMPTS = 40;
const RETRY_DELAY_MS = 20;
const MAX_RETRY_DELAY_MS = 100;

const COMMIT: Statement = { sql: 'COMMIT', values: [] };

interface DeferredStatement extends Statement {
  take?: (rows: unknown[]) => void;
}

export class Transaction {
  /** Ends a SELECT that locks its rows. Empty on SQLite, which has one writer. */
  readonly forUpdate: string;
  /** Ends a SELECT whose rows nobody may change until the commit. */
  readonly forShare: string;
  private readonly hooks: (() => void)[] = [];
  private readonly effects: (() => void)[] = [];
  /** Statements that share the next round trip, which costs more than most statements. */
  private deferred: DeferredStatement[];

  constructor(
    private readonly connection: Connection,
    private readonly driver: Driver,
    private readonly topics: Topics,
  ) {
    const { oneWriter, begin } = driver;
    this.forUpdate = oneWriter ? '' : ' FOR UPDATE';
    this.forShare = oneWriter ? '' : ' LOCK IN SHARE MODE';
    this.deferred = [{ sql: begin, values: [] }];
  }

  async query<Row>(sql: string, values: SqlValue[] = []): Promise<Row[]> {
    const [{ rows }] = await this.send([{ sql, values }]);
    return rows as Row[];
  }

  async queryAll(statements: Statement[]): Promise<unknown[][]> {
    return (await this.send(statements)).map(({ rows }) => rows);
  }

  /** Returns how many rows an INSERT, UPDATE or DELETE matched. */
  async execute(sql: string, values: SqlValue[] = []): Promise<number> {
    const [{ affected }] = await this.send([{ sql, values }]);
    return affected;
  }

  /**
   * Sends the statement with the next one or with the commit, before which `take` gets the rows of a SELECT. If the
   * statement fails, that call throws its error.
   */
  defer(sql: string, values: SqlValue[] = [], take?: (rows: unknown[]) => void): void {
    this.deferred.push({ sql, values, take });
  }

  /**
   * Inserts rows, deferred; `into` names the table and its columns. SQLite gets one row at a time: for a statement of
   * several rows it copies each page that it changes.
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

  /**
   * Sets the last of the columns of each row, which the others identify, deferred. SQLite gets one row at a time, whose
   * statement it has prepared.
   */
  update(table: string, columns: string[], rows: SqlValue[][]): void {
    const key = columns.slice(0, -1);
    const changed = columns[columns.length - 1];
    if (this.driver.oneWriter) {
      const sql = `UPDATE ${table} SET ${changed} = ? WHERE ${key.map((name) => `${name} = ?`).join(' AND ')}`;
      for (const row of rows) this.defer(sql, [row[key.length], ...row.slice(0, key.length)]);
    } else if (rows.length > 0) {
      const values = inlineTable(rows.length, columns.map((name) => `? AS ${name}`).join(', '));
      const on = key.map((name) => `found.${name} = given.${name}`).join(' AND ');
      const sql = `UPDATE ${table} found JOIN ${values} given ON ${on} SET found.${changed} = given.${changed}`;
      this.defer(sql, rows.flat());
    }
  }

  /** Returns TypeORM's entity manager in this transaction. Slower than SQL, so not for hot paths. */
  async manager(): Promise<EntityManager> {
    await this.send([]);
    return this.connection.manager;
  }

  private async send(statements: Statement[]): Promise<Outcome[]> {
    const before = this.deferred.splice(0);
    if (before.length + statements.length === 0) return [];
    const outcomes = await this.connection.send([...before, ...statements]);
    before.forEach(({ take }, index) => take?.(outcomes[index].rows));
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

  /** Publishes after the commit. */
  publish<T extends Topic>(topic: T, payload: TopicPayloads[T]): void {
    this.afterCommit(() => this.topics.publish(topic, payload));
  }

  /** Logs the failure of an effect: the caller must still learn that the transaction is committed. */
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
 * The only way to write. On SQLite TypeORM has one connection, and two transactions that interleave on it become one: the
 * rollback of either undoes rows that the other has acknowledged. So units run one after the other there. On MySQL each
 * takes a connection of the pool.
 */
@Injectable()
export class UnitOfWork {
  /** Where transactions publish after their commit. */
  readonly topics = new Topics();
  /** Since the start, for the metrics. */
  readonly counts = { commits: 0, retries: 0 };
  private readonly driver: Driver;
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(@InjectDataSource() private readonly dataSource: DataSource) {
    this.driver = driverOf(dataSource);
    if (dataSource instanceof MysqlDataSource) {
      dataSource.hosts.onMove = () => this.topics.publish('databaseMoved', undefined);
    }
  }

  /**
   * Runs `work` in a transaction. Commits what it returns, rolls back when it throws. `work` must touch nothing but its
   * transaction, because a deadlock runs it again. It must not begin another unit of work.
   * `startedAt` is when the caller's request began to wait, by `performance.now()`: nothing is committed after its deadline.
   * @throws DatabaseUnavailable at once if too many units already wait.
   */
  async run<T>(work: (tx: Transaction) => Promise<T>, startedAt = performance.now()): Promise<T> {
    if (!this.driver.oneWriter) return this.attempt(work, startedAt);
    if (this.waiting >= MAX_WAITING_UNITS)
      throw new DatabaseUnavailable('too many units of work are waiting');
    this.waiting += 1;
    const result = this.last.then(() => {
      this.waiting -= 1;
      return this.attempt(work, startedAt);
    });
    this.last = result.catch(() => {});
    return result;
  }

  private async attempt<T>(work: (tx: Transaction) => Promise<T>, startedAt: number): Promise<T> {
    for (let count = 1; ; count += 1) {
      const timeoutMs = startedAt + DATABASE_DEADLINE_MS - performance.now();
      // The request has its answer, and must not have an effect after it.
      if (timeoutMs <= 0) throw new DatabaseUnavailable('the database takes too long');
      try {
        return await this.transact(work, timeoutMs);
      } catch (error) {
        if (count >= MAX_ATTEMPTS || !isRetryable(error)) throw error;
        this.counts.retries += 1;
        await sleep(Math.random() * Math.min(RETRY_DELAY_MS * count, MAX_RETRY_DELAY_MS));
      }
    }
  }

  load(): Load {
    const { dataSource, waiting } = this;
    return dataSource instanceof MysqlDataSource ? poolLoad(dataSource.pool) : { waiting };
  }

  /** Does not use TypeORM's transactions, which lose count when SQLite rolls back by itself. */
  private transact<T>(work: (tx: Transaction) => Promise<T>, timeoutMs: number): Promise<T> {
    return this.driver.use(async (connection) => {
      const tx = new Transaction(connection, this.driver, this.topics);
      try {
        const value = await work(tx);
        await tx.commit();
        this.counts.commits += 1;
        tx.runEffects();
        return value;
      } catch (error) {
        await connection.rollBack().catch(({ message }: Error) => {
          new Logger('UnitOfWork').error(`rollback failed: ${message}`);
        });
        throw error;
      }
    }, timeoutMs);
  }
}

type ReadingManager = Pick<
  EntityManager,
  'find' | 'findBy' | 'findOne' | 'findOneBy' | 'existsBy' | 'countBy'
>;

@Injectable()
export class Reader {
  private readonly driver: Driver;

  constructor(@Inject(READER) dataSource: DataSource) {
    this.driver = driverOf(dataSource);
  }

  query<Row>(sql: string, values: SqlValue[] = []): Promise<Row[]> {
    return this.driver.read({ sql, values }) as Promise<Row[]>;
  }

  /** Reads what decides whether a request is allowed. Sees all that was committed through any node of a cluster. */
  queryLatest<Row>(sql: string, values: SqlValue[]): Promise<Row[]> {
    return this.driver.readLatest({ sql, values }) as Promise<Row[]>;
  }

  /** Resolves when what any node of a cluster has committed can be read. Costs a query on Galera alone. */
  syncWithCluster(): Promise<void> {
    return this.driver.syncWithCluster();
  }

  /** Rejects unless the database answers. */
  async ping(): Promise<void> {
    await this.query('SELECT epoch FROM database_epoch');
  }

  /** Reads entities. */
  run<T>(read: (manager: ReadingManager) => Promise<T>): Promise<T> {
    return this.driver.use(({ manager }) => read(manager));
  }

  /**
   * Returns the row of each key, in the order of the keys, as {@link queryLatest}. `select` ends with `WHERE` and the key's
   * column.
   */
  async queryEach<Key extends SqlValue, Row>(
    select: string,
    keys: Key[],
    keyOf: (row: Row) => Key,
  ): Promise<(Row | undefined)[]> {
    const rows = await this.queryLatest<Row>(`${select} IN (${placeholders(keys.length)})`, keys);
    const found = new Map(rows.map((row) => [keyOf(row), row]));
    return keys.map((key) => found.get(key));
  }
}

function driverOf(dataSource: DataSource): Driver {
  return dataSource instanceof MysqlDataSource ? new Mysql(dataSource) : new Sqlite(dataSource);
}

/** Returns SQL of a table of values to join; `columns` is for instance `? AS a, CAST(? AS SIGNED) AS b`. */
export function inlineTable(rows: number, columns: string): string {
  return `(${Array(rows).fill(`SELECT ${columns}`).join(' UNION ALL ')})`;
}

export function placeholders(count: number): string {
  return Array(count).fill('?').join(', ');
}

export function chunks<Value>(values: Value[], size = 1000): Value[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, n) =>
    values.slice(n * size, (n + 1) * size),
  );
}
