import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { isDuplicate } from '../database/driver-errors.js';
import { deleteInChunks } from '../database/delete-in-chunks.js';
import { Reader, type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { now, SECOND_US } from '../helpers/clock.js';
import { LimitCounter } from './limit-counter.entity.js';
import { SHARED_LIMITS, type SharedLimit } from './limits.js';

/** Whom a shared limit counts: for instance the limit `login` for a username and an address. */
export interface LimitKey {
  limit: SharedLimit;
  subject: string;
}

export type Count = Pick<LimitCounter, 'hits' | 'startedAt'>;

const PRIMARY_KEY = { table: 'limit_counters', column: 'subject', index: 'PRIMARY' };

/** The longest period of a limit. */
const MAX_SECONDS = Math.max(...Object.values(SHARED_LIMITS).map(({ seconds }) => seconds));

/** Counts hits in SQL, because TypeORM's entities cannot lock a row. */
@Injectable()
export class LimitCountersRepository {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly reader: Reader,
  ) {}

  /** Returns the hits of the present period. */
  async find(key: LimitKey): Promise<Count> {
    const counter = await this.reader.run((manager) => manager.findOneBy(LimitCounter, primaryKey(key)));
    return counter && !isOver(key, counter) ? counter : { hits: 0, startedAt: now() };
  }

  /** Adds a hit, unless the limit is reached: then `isAdded` is false. */
  async hit(key: LimitKey): Promise<Count & { isAdded: boolean }> {
    try {
      return await this.unitOfWork.run((tx) => this.hitIn(tx, key));
    } catch (error) {
      // Two first hits at once: the other one has inserted the row.
      if (!isDuplicate(error, PRIMARY_KEY)) throw error;
      return this.unitOfWork.run((tx) => this.hitIn(tx, key));
    }
  }

  private async hitIn(tx: Transaction, key: LimitKey): Promise<Count & { isAdded: boolean }> {
    const { name, subject } = primaryKey(key);
    const [counter] = await tx.query<Count>(
      `SELECT hits, started_at AS startedAt FROM limit_counters WHERE name = ? AND subject = ?${tx.forUpdate}`,
      [name, subject],
    );
    const manager = await tx.manager();
    if (!counter) {
      const first = { hits: 1, startedAt: now() };
      await manager.insert(LimitCounter, { name, subject, ...first });
      return { ...first, isAdded: true };
    }
    const next = isOver(key, counter)
      ? { hits: 1, startedAt: now() }
      : { hits: counter.hits + 1, startedAt: counter.startedAt };
    if (next.hits > SHARED_LIMITS[key.limit].max) return { ...counter, isAdded: false };
    await manager.update(LimitCounter, { name, subject }, next);
    return { ...next, isAdded: true };
  }

  async clear(key: LimitKey): Promise<void> {
    await this.unitOfWork.run(async (tx) => (await tx.manager()).delete(LimitCounter, primaryKey(key)));
  }

  deleteOld(signal: AbortSignal): Promise<void> {
    return deleteInChunks(this.unitOfWork, signal, {
      table: 'limit_counters',
      where: 'started_at < ?',
      values: [now() - MAX_SECONDS * SECOND_US],
      key: 'started_at',
    });
  }
}

function primaryKey({ limit, subject }: LimitKey) {
  return { name: limit, subject: createHash('sha256').update(subject).digest('base64url') };
}

function isOver({ limit }: LimitKey, { startedAt }: Count): boolean {
  return startedAt + SHARED_LIMITS[limit].seconds * SECOND_US <= now();
}
