import { Injectable } from '@nestjs/common';
import { now, SECOND } from '../common/clock.js';
import { Reader, type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { TokensService } from '../tokens/tokens.service.js';
import type { MailKind } from './mail.entity.js';

/** How long a worker may take over one mail before another one tries, in microseconds. */
const LEASE = 120 * SECOND;
const LONGEST_PAUSE = 600 * SECOND;
/** With pauses that double up to ten minutes: about three days. */
const MOST_ATTEMPTS = 440;

/** How long sent and failed mails can be looked up, in microseconds: 30 days. */
const KEEP = 30 * 86_400 * SECOND;

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
    private readonly unitOfWork: UnitOfWork,
    private readonly reader: Reader,
    private readonly tokens: TokensService,
  ) {}

  /** Calls `listener` after each commit that added a mail. */
  onMail(listener: () => void): void {
    this.listener = listener;
  }

  /** Adds a mail; it exists, and is sent, if the transaction commits. */
  async add(tx: Transaction, mail: { userId: number; kind: MailKind; address: string }): Promise<void> {
    await tx.execute(
      `INSERT INTO mails (user_id, kind, address, state, attempts, due_at, created_at) VALUES (?, ?, ?, 'waiting', 0, ?, ?)`,
      [mail.userId, mail.kind, mail.address, now(), now()],
    );
    tx.afterCommit(() => this.listener());
  }

  /** Drops what a user was to be told and has no use any more. */
  async cancel(tx: Transaction, userId: number, kinds: MailKind[]): Promise<void> {
    for (const kind of kinds) {
      await tx.execute(`DELETE FROM mails WHERE user_id = ? AND kind = ? AND state = 'waiting'`, [
        userId,
        kind,
      ]);
    }
  }

  /** Takes the mail that is due longest, or nothing. Of several workers one gets it. */
  async claim(): Promise<ClaimedMail | undefined> {
    const due = await this.reader.query<ClaimedMail & { due_at: number }>(
      `SELECT id, user_id, kind, address, attempts, created_at, due_at FROM mails
       WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at, id LIMIT 10`,
      [now()],
    );
    for (const mail of due) {
      const taken = await this.unitOfWork.run((tx) =>
        tx.execute(
          `UPDATE mails SET due_at = ?, attempts = attempts + 1 WHERE id = ? AND state = 'waiting' AND due_at = ?`,
          [now() + LEASE, mail.id, mail.due_at],
        ),
      );
      if (taken === 1) return { ...mail, attempts: mail.attempts + 1 };
    }
    return undefined;
  }

  /**
   * Whom the mail greets, and a new token for it. Nothing when it has become pointless: the address to be
   * verified is no longer the user's.
   */
  content(mail: ClaimedMail): Promise<MailContent | undefined> {
    return this.unitOfWork.run(async (tx) => {
      const [user] = await tx.query<{ username: string; name: string; email: string }>(
        `SELECT username, name, email FROM users WHERE id = ?${tx.forShare}`,
        [mail.user_id],
      );
      // It may have been cancelled since it was claimed.
      const waiting = await tx.query(`SELECT 1 FROM mails WHERE id = ? AND state = 'waiting'`, [mail.id]);
      if (waiting.length === 0) return undefined;
      const kind = TOKEN_IN[mail.kind];
      if (!user || (kind === 'verify-email' && user.email !== mail.address)) {
        await tx.execute('DELETE FROM mails WHERE id = ?', [mail.id]);
        return undefined;
      }
      const token = kind && (await this.tokens.issue(tx, kind, mail.user_id));
      return { username: user.username, name: user.name, token };
    });
  }

  /** Forgets mails of long ago, sent or given up. */
  async sweep(): Promise<void> {
    await this.unitOfWork.run((tx) =>
      tx.execute(`DELETE FROM mails WHERE state <> 'waiting' AND created_at < ?`, [now() - KEEP]),
    );
  }

  async sent(mail: ClaimedMail): Promise<void> {
    await this.unitOfWork.run((tx) =>
      tx.execute(`UPDATE mails SET state = 'sent', error = NULL WHERE id = ?`, [mail.id]),
    );
  }

  /** Plans the next attempt, after a pause that doubles and differs from mail to mail, or gives up. */
  async failed(mail: ClaimedMail, reason: string, { permanent }: { permanent: boolean }): Promise<void> {
    const pause = Math.min(LONGEST_PAUSE, SECOND * 2 ** Math.min(mail.attempts, 10)) * (0.5 + Math.random());
    const state = permanent || mail.attempts >= MOST_ATTEMPTS ? 'failed' : 'waiting';
    await this.unitOfWork.run((tx) =>
      tx.execute(`UPDATE mails SET state = ?, error = ?, due_at = ? WHERE id = ?`, [
        state,
        reason.slice(0, 500),
        now() + Math.round(pause),
        mail.id,
      ]),
    );
  }
}
