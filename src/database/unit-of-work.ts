import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { isRetryable } from './driver-errors.js';
import { isEmbedded, Session } from './session.js';

export type SqlValue = string | number | boolean | null;

/** The data source that reads what is committed; see {@link openReader}. */
export const READER = Symbol('READER');

const MOST_ATTEMPTS = 8;
/** In milliseconds; grows with each attempt. */
const PAUSE = 20;

/** How long a unit of work and a read may take, in milliseconds; a database that hangs must not hang us. */
const UNIT_DEADLINE = 15_000;
const READ_DEADLINE = 10_000;

/** One transaction on either database. Valid until the unit of work that made it ends. */
export class Transaction {
  /** For the rows whose speed does not matter. */
  readonly manager: EntityManager;
  /** Appended to a SELECT, keeps others from changing or locking its rows. SQLite has one writer: nothing to lock. */
  readonly forUpdate: string;
  /** Appended to a SELECT, keeps its rows as they are until the end. */
  readonly forShare: string;
  private readonly effects: (() => void)[] = [];

  constructor(private readonly runner: QueryRunner) {
    const locks = !isEmbedded(runner.connection);
    this.manager = runner.manager;
    this.forUpdate = locks ? ' FOR UPDATE' : '';
    this.forShare = locks ? ' LOCK IN SHARE MODE' : '';
  }

  /** The rows of a SELECT. */
  async query<Row>(sql: string, parameters: SqlValue[] = []): Promise<Row[]> {
    return (await this.runner.query(sql, parameters, true)).records as Row[];
  }

  /** Runs an INSERT, UPDATE or DELETE and tells how many rows matched. */
  async execute(sql: string, parameters: SqlValue[] = []): Promise<number> {
    return (await this.runner.query(sql, parameters, true)).affected ?? 0;
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
  private readonly oneAtATime: boolean;
  private last: Promise<unknown> = Promise.resolve();

  constructor(@InjectDataSource() private readonly dataSource: DataSource) {
    this.oneAtATime = isEmbedded(dataSource);
  }

  /**
   * Runs `work` in a transaction: what it returns is committed, what it throws rolls everything back.
   * A deadlock runs it again, so `work` must touch nothing but the transaction, and must not begin
   * another unit of work.
   */
  run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (!this.oneAtATime) return this.attempt(work);
    const result = this.last.then(() => this.attempt(work));
    this.last = result.catch(() => {});
    return result;
  }

  private async attempt<T>(work: (tx: Transaction) => Promise<T>, count = 1): Promise<T> {
    try {
      return await this.transact(work);
    } catch (error) {
      if (count >= MOST_ATTEMPTS || !isRetryable(error)) throw error;
      // Those that met now should not meet again.
      await sleep(Math.random() * PAUSE * count);
      return this.attempt(work, count + 1);
    }
  }

  /** TypeORM's own bookkeeping of transactions is left aside: it loses count when SQLite rolls back by itself. */
  private async transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const session = new Session(this.dataSource);
    const tx = new Transaction(session.runner);
    const result = await session.use(UNIT_DEADLINE, async () => {
      await session.runner.query(this.oneAtATime ? 'BEGIN IMMEDIATE' : 'START TRANSACTION');
      try {
        const value = await work(tx);
        await session.runner.query('COMMIT');
        return value;
      } catch (error) {
        await session.rollBack();
        throw error;
      }
    });
    tx.runEffects();
    return result;
  }
}

/** Reads outside of a transaction: what is committed, and nothing else. */
@Injectable()
export class Reader {
  constructor(@Inject(READER) private readonly dataSource: DataSource) {}

  /** The rows of a SELECT. */
  async query<Row>(sql: string, parameters: SqlValue[] = []): Promise<Row[]> {
    const session = new Session(this.dataSource);
    return session.use(READ_DEADLINE, () => session.runner.query(sql, parameters) as Promise<Row[]>);
  }
}

/** `(?, ?), (?, ?)` for `rows` rows of `columns` values. */
export function placeholders(rows: number, columns: number): string {
  const row = `(${Array(columns).fill('?').join(', ')})`;
  return Array(rows).fill(row).join(', ');
}

/** `?, ?, ?` for an IN list of `count` values. */
export function list(count: number): string {
  return Array(count).fill('?').join(', ');
}
