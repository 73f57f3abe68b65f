import { Injectable } from '@nestjs/common';
import { now, SECOND } from '../helpers/clock.js';
import { Settings } from '../config/settings.js';
import { placeholders, Reader, type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { TokensService } from '../tokens/tokens.service.js';
import type { MailKind } from './mail.entity.js';
import { allowedFrom } from './mail-limits.js';

/** A mail that fails for now is given up when it is older than three days, after so many attempts at least. */
const PATIENCE = 3 * 86_400 * SECOND;
const FEWEST_ATTEMPTS = 20;

/** How long mails that no longer wait can be looked up, in microseconds: 30 days. */
const KEEP = 30 * 86_400 * SECOND;

const MILLISECOND = 1_000;

/** A mail that this worker alone may send until its lease ends. */
export interface ClaimedMail {
  id: number;
  user_id: number;
  kind: MailKind;
  address: string;
  attempts: number;
  created_at: number;
}

/** What a mail says, with the token that its link carries. */
export interface MailContent {
  username: string;
  name: string;
  token: string | null;
}

/** A mail to be sent now. */
export interface Claim {
  mail: ClaimedMail;
  content: MailContent;
}

/** How an attempt ended: well, unless there is a failure. */
export interface Outcome {
  mail: ClaimedMail;
  failure?: {
    /** What the operator should know. */
    reason: string;
    /** When to try again, in milliseconds from now; `null` where that is of no use. */
    pause: number | null;
  };
}

type DueMail = ClaimedMail & { due_at: number };
type Recipient = { id: number; username: string; name: string; email: string };

const TOKEN_IN = {
  'verify-email': 'verify-email',
  'verify-new-email': 'verify-email',
  'reset-password': 'reset-password',
  'password-changed': null,
} as const satisfies Record<MailKind, string | null>;

/** The mails that wait to be sent. They are written with what causes them, and sent after the commit. */
@Injectable()
export class Outbox {
  private listener: () => void = () => {};

  constructor(
    private readonly settings: Settings,
    private readonly unitOfWork: UnitOfWork,
    private readonly reader: Reader,
    private readonly tokens: TokensService,
  ) {}

  /** Calls `listener` after each commit that added a mail. */
  onMail(listener: () => void): void {
    this.listener = listener;
  }

  /**
   * Adds a mail; it exists, and is sent, if the transaction commits, which must hold the user's row. Of those
   * that are too many (contract, "Authentication") a reset mail is left out, and a verification mail waits:
   * without it the address could never be verified.
   */
  async add(tx: Transaction, mail: { userId: number; kind: MailKind; address: string }): Promise<void> {
    const from = this.settings.rateLimits ? await allowedFrom(tx, mail.userId, mail.kind) : 0;
    if (from > now() && mail.kind === 'reset-password') return;
    await tx.execute(
      `INSERT INTO mails (user_id, kind, address, state, attempts, due_at, created_at) VALUES (?, ?, ?, 'waiting', 0, ?, ?)`,
      [mail.userId, mail.kind, mail.address, Math.max(from, now()), now()],
    );
    tx.afterCommit(() => this.listener());
  }

  /** Drops what a user was to be told and has no use any more. What may have been sent still counts. */
  async cancel(tx: Transaction, userId: number, kinds: MailKind[]): Promise<void> {
    const which = `user_id = ? AND kind IN (${placeholders(kinds.length)}) AND state = 'waiting'`;
    await tx.execute(`DELETE FROM mails WHERE ${which} AND attempts = 0`, [userId, ...kinds]);
    await tx.execute(`UPDATE mails SET state = 'cancelled', due_at = ? WHERE ${which}`, [
      now(),
      userId,
      ...kinds,
    ]);
  }

  /** Takes up to `most` mails that are due, those that wait longest first. Of several workers one gets each. */
  async claim(most: number): Promise<Claim[]> {
    const due = await this.findDue(most);
    if (due.length === 0) return [];
    return this.unitOfWork.run(async (tx) => {
      const recipients = await lockRecipients(tx, due);
      const claims: Claim[] = [];
      for (const mail of due) {
        const recipient = recipients.get(mail.user_id);
        if (!(await this.take(tx, mail)) || !recipient) continue;
        const content = await this.contentOf(tx, mail, recipient);
        if (content) claims.push({ mail: { ...mail, attempts: mail.attempts + 1 }, content });
      }
      return claims;
    });
  }

  /**
   * A mail waits for the earlier ones to its address, which go out in their order. Those that a limit holds
   * back (not due, and never tried) let others pass.
   */
  private findDue(most: number): Promise<DueMail[]> {
    return this.reader.query<DueMail>(
      `SELECT id, user_id, kind, address, attempts, created_at, due_at FROM mails m
       WHERE state = 'waiting' AND due_at <= ? AND NOT EXISTS (
         SELECT 1 FROM mails earlier
         WHERE earlier.address = m.address AND earlier.state = 'waiting' AND earlier.id < m.id
           AND (earlier.attempts > 0 OR earlier.due_at <= ?))
       ORDER BY due_at, id LIMIT ?`,
      [now(), now(), most],
    );
  }

  /** Whether the mail is still as it was found, and this worker's from now on. */
  private async take(tx: Transaction, mail: DueMail): Promise<boolean> {
    const taken = await tx.execute(
      `UPDATE mails SET due_at = ?, attempts = attempts + 1
       WHERE id = ? AND state = 'waiting' AND due_at = ? AND attempts = ?`,
      [this.leaseEnd(), mail.id, mail.due_at, mail.attempts],
    );
    return taken === 1;
  }

  /**
   * Whom the mail greets, and a new token for it. Nothing when it has become pointless: the address to be
   * verified is no longer the user's.
   */
  private async contentOf(
    tx: Transaction,
    mail: ClaimedMail,
    { username, name, email }: Recipient,
  ): Promise<MailContent | undefined> {
    const kind = TOKEN_IN[mail.kind];
    if (kind === 'verify-email' && email !== mail.address) {
      await tx.execute('DELETE FROM mails WHERE id = ?', [mail.id]);
      return undefined;
    }
    return { username, name, token: kind && this.tokens.issue(tx, kind, mail.user_id) };
  }

  /** Keeps mails that are still under way from other workers. */
  async renew(mails: ClaimedMail[]): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      for (const { id, attempts } of mails) {
        await tx.execute(`UPDATE mails SET due_at = ? WHERE id = ? AND state = 'waiting' AND attempts = ?`, [
          this.leaseEnd(),
          id,
          attempts,
        ]);
      }
    });
  }

  /** Writes down how attempts ended, all of them or none. */
  async record(outcomes: Outcome[]): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      for (const outcome of outcomes) {
        const { sql, values } = statementFor(outcome);
        await tx.execute(sql, values);
      }
    });
  }

  /** Forgets mails of long ago, sent or given up. */
  async sweep(): Promise<void> {
    await this.unitOfWork.run((tx) =>
      tx.execute(`DELETE FROM mails WHERE state <> 'waiting' AND created_at < ?`, [now() - KEEP]),
    );
  }

  private leaseEnd(): number {
    return now() + this.settings.mailTiming.lease * MILLISECOND;
  }
}

/** Whose address and name stay as they are until the end; locked before the mails, as everywhere. */
async function lockRecipients(tx: Transaction, mails: DueMail[]): Promise<Map<number, Recipient>> {
  const ids = [...new Set(mails.map(({ user_id }) => user_id))];
  const rows = await tx.query<Recipient>(
    `SELECT id, username, name, email FROM users WHERE id IN (${placeholders(ids.length)}) ORDER BY id${tx.forShare}`,
    ids,
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Whoever has sent a mail may say so; that it failed is up to the one that holds it. */
function statementFor({ mail, failure }: Outcome) {
  if (!failure) {
    const sql = `UPDATE mails SET state = 'sent', error = NULL, due_at = ? WHERE id = ?`;
    return { sql, values: [now(), mail.id] };
  }
  const { reason, pause } = failure;
  const tooOld = now() - mail.created_at > PATIENCE && mail.attempts >= FEWEST_ATTEMPTS;
  const [state, dueAt] =
    pause === null || tooOld ? ['failed', now()] : ['waiting', now() + Math.round(pause * MILLISECOND)];
  const sql = `UPDATE mails SET state = ?, error = ?, due_at = ? WHERE id = ? AND state = 'waiting' AND attempts = ?`;
  return { sql, values: [state, storable(reason), dueAt, mail.id, mail.attempts] };
}

/** What a mail server says may quote the mail, whose token no row may hold. */
function storable(reason: string): string {
  const text = reason.toWellFormed().replace(/eyJ[\w.=-]+/g, '…');
  return Array.from(text).slice(0, 500).join('');
}
