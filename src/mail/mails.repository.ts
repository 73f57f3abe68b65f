import { Injectable } from '@nestjs/common';
import { now } from '../helpers/clock.js';
import { placeholders, Reader, type Transaction } from '../database/unit-of-work.js';
import { ERASED_USERS } from '../removals/removals.service.js';
import type { Mail } from './mail.entity.js';

export type WaitingMail = Omit<Mail, 'state' | 'error'>;

export interface Recipient {
  id: number;
  username: string;
  name: string;
  email: string;
}

/** What waits in the outbox. */
export interface Backlog {
  count: number;
  /** When the oldest mail was added, in microseconds; `null` without one. */
  oldestAt: number | null;
}

const MAX_COUNTED = 10_000;
const MAX_DATED = 1_000;

/** Queries that entities cannot express: a correlated subquery and a row lock. */
@Injectable()
export class MailsRepository {
  constructor(private readonly reader: Reader) {}

  /**
   * Returns due mails, the longest overdue first. A mail waits for earlier ones to its address, unless a limit postpones
   * them (not due and never tried). Mails of erased users are only to be removed.
   */
  findDue(limit: number): Promise<WaitingMail[]> {
    return this.reader.query<WaitingMail>(
      `SELECT id, user_id AS userId, kind, address, attempts, due_at AS dueAt, created_at AS createdAt
       FROM mails mail
       WHERE state = 'waiting' AND due_at <= ? AND user_id NOT IN ${ERASED_USERS} AND NOT EXISTS (
         SELECT 1 FROM mails earlier
         WHERE earlier.address = mail.address AND earlier.state = 'waiting' AND earlier.id < mail.id
           AND earlier.user_id NOT IN ${ERASED_USERS}
           AND (earlier.attempts > 0 OR earlier.due_at <= ?))
       ORDER BY due_at, id LIMIT ?`,
      [now(), now(), limit],
    );
  }

  /**
   * Counts up to MAX_COUNTED mails, in the index alone, and finds the oldest of the MAX_DATED longest overdue. Mails that a
   * limit postpones (not due and never tried) have no age.
   */
  async readBacklog(): Promise<Backlog> {
    const [backlog] = await this.reader.query<Backlog>(
      `SELECT
         (SELECT COUNT(*) FROM (SELECT id FROM mails WHERE state = 'waiting' LIMIT ${MAX_COUNTED}) counted) AS count,
         (SELECT MIN(created_at) FROM (
           SELECT created_at, attempts, due_at FROM mails WHERE state = 'waiting' ORDER BY due_at LIMIT ${MAX_DATED}) dated
          WHERE attempts > 0 OR due_at <= ?) AS oldestAt`,
      [now()],
    );
    return backlog;
  }

  async lockRecipients(tx: Transaction, userIds: number[]): Promise<Map<number, Recipient>> {
    const rows = await tx.query<Recipient>(
      `SELECT id, username, name, email FROM users
       WHERE id IN (${placeholders(userIds.length)}) ORDER BY id${tx.forShare}`,
      userIds,
    );
    return new Map(rows.map((row) => [row.id, row]));
  }
}
