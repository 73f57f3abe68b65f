import { createHash } from 'node:crypto';
import { isDuplicate } from '../database/driver-errors.js';
import { inlineTable, type Transaction } from '../database/unit-of-work.js';
import type { ParleyError } from '../errors/errors.js';
import { now, SECOND_US } from '../helpers/clock.js';
import { idempotencyConflict } from './idempotency-errors.js';
import { type IdempotencyKey, UNIQUE_KEY } from './idempotency-key.entity.js';

const LIFETIME_US = 86_400 * SECOND_US;

export type Operation = 'create_chat' | 'send_message' | 'send_room_message';

/** A request that a user may repeat under a key. Requests with the same digest are the same request. */
export type KeyedRequest = Pick<IdempotencyKey, 'userId' | 'key' | 'digest'>;

/** An answer, and whether it was first given to an earlier request with the same key. */
export type Repeatable<Answer> = Answer & { isReplayed: boolean };

/** Returns undefined without a key. `fields` are the chat, if there is one, and the validated fields. */
export function keyedRequest(
  userId: number,
  key: string | undefined,
  operation: Operation,
  fields: unknown[],
): KeyedRequest | undefined {
  if (key === undefined) return undefined;
  const digest = createHash('sha256')
    .update(JSON.stringify([operation, ...fields]))
    .digest('hex');
  return { userId, key, digest };
}

/** The time before which a key must have been used first to be free again. */
export function expiryTime(): number {
  return now() - LIFETIME_US;
}

/** The answers to earlier requests with the keys of a transaction, and those that the transaction adds. */
export class KeptAnswers {
  private readonly rows = new Map<string, IdempotencyKey>();
  private readonly added: IdempotencyKey[] = [];

  private constructor(private readonly tx: Transaction) {}

  /** Reads the answers together with the next statement, and writes new ones together with the commit. */
  static lookUp(tx: Transaction, requests: (KeyedRequest | undefined)[]): KeptAnswers {
    const answers = new KeptAnswers(tx);
    const asked = new Map(requests.flatMap((request) => (request ? [[idOf(request), request]] : [])));
    if (asked.size === 0) return answers;
    tx.defer(
      `SELECT k.user_id AS userId, k.key_text AS "key", k.digest, k.answer, k.created_at AS createdAt
       FROM ${inlineTable(asked.size, '? AS user_id, ? AS key_text')} asked
       JOIN idempotency_keys k ON k.user_id = asked.user_id AND k.key_text = asked.key_text`,
      [...asked.values()].flatMap(({ userId, key }) => [userId, key]),
      (rows) => (rows as IdempotencyKey[]).forEach((row) => answers.rows.set(idOf(row), row)),
    );
    tx.beforeCommit(() => answers.insert());
    return answers;
  }

  /** Returns the answer to the same request, or the refusal if the key belongs to another one. */
  find<Answer>(request: KeyedRequest | undefined): Repeatable<Answer> | ParleyError | undefined {
    const row = request && this.rows.get(idOf(request));
    if (!row || row.createdAt < expiryTime()) return undefined;
    if (row.digest !== request.digest) return idempotencyConflict();
    return { ...(JSON.parse(row.answer) as Answer), isReplayed: true };
  }

  /** Keeps the answer to a request for which {@link find} has found nothing. */
  keep(request: KeyedRequest | undefined, answer: object): void {
    if (!request) return;
    const { userId, key } = request;
    const isExpired = this.rows.has(idOf(request));
    if (isExpired) {
      this.tx.defer('DELETE FROM idempotency_keys WHERE user_id = ? AND key_text = ?', [userId, key]);
    }
    const row = { ...request, answer: JSON.stringify(answer), createdAt: now() };
    this.rows.set(idOf(request), row);
    this.added.push(row);
  }

  /** Two transactions that insert the same keys in the same order wait for each other and never deadlock. */
  private insert(): void {
    const rows = this.added.toSorted((a, b) => a.userId - b.userId || (a.key < b.key ? -1 : 1));
    this.tx.insert(
      'idempotency_keys (user_id, key_text, digest, answer, created_at)',
      rows.map(({ userId, key, digest, answer, createdAt }) => [userId, key, digest, answer, createdAt]),
    );
  }
}

/** Runs `work` again if another transaction has used one of its keys meanwhile, whose answer it then finds. */
export async function rerunIfKeyTaken<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isDuplicate(error, UNIQUE_KEY)) throw error;
    return work();
  }
}

const idOf = ({ userId, key }: Pick<KeyedRequest, 'userId' | 'key'>) => `${userId} ${key}`;
