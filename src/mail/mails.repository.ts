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

  async lockRecipients(tx: Transaction, userIds: number[]): Promise<Map<number, Recipient>> {
    const rows = await tx.query<Recipient>(
      `SELECT id, username, name, email FROM users
       WHERE id IN (${placeholders(userIds.length)}) ORDER BY id${tx.forShare}`,
      userIds,
    );
    return new Map(rows.map((row) => [row.id, row]));
  }
}
