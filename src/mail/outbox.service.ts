import { Injectable, Logger } from '@nestjs/common';
import { type EntityManager, type FindOptionsWhere, In } from 'typeorm';
import { now, SECOND_US } from '../helpers/clock.js';
import { Handlers } from '../helpers/handlers.js';
import { Settings } from '../config/settings.js';
import { deleteInChunks } from '../database/delete-in-chunks.js';
import { type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { TokensService } from '../tokens/tokens.service.js';
import { Mail, type MailKind } from './mail.entity.js';
import { CAUSED_MAILS, getEarliestDueAt, type MailLimit, REQUESTED_MAILS } from './mail-limits.js';
import type { MailContent } from './mail.renderer.js';
import { MailsRepository, type WaitingMail } from './mails.repository.js';

const DAY = 86_400 * SECOND_US;
const MILLISECOND = 1_000;

/** A mail that keeps failing is given up at this age, but not before this many attempts. */
const MAX_AGE_US = 3 * DAY;
const MIN_ATTEMPTS = 20;

const RETENTION_US = 30 * DAY;

const MAX_ERROR_LENGTH = 500;

const TOKEN_KINDS = {
  'verify-email': 'verify-email',
  'verify-new-email': 'verify-email',
  'reset-password': 'reset-password',
  'password-changed': null,
} as const satisfies Record<MailKind, string | null>;

type NewMail = Pick<Mail, 'userId' | 'kind' | 'address'>;

export interface Claim {
  mail: WaitingMail;
  content: MailContent;
}

export interface Failure {
  reason: string;
  /** `null` gives the mail up. */
  retryInMs: number | null;
}

export interface Outcome {
  mail: WaitingMail;
  failure?: Failure;
}

/** A transactional outbox: mails are inserted with their cause, and claimed by one worker at a time for a lease. */
@Injectable()
export class Outbox {
  readonly mailAdded = new Handlers<[]>();
  private readonly logger = new Logger('Mail');

  constructor(
    private readonly settings: Settings,
    private readonly unitOfWork: UnitOfWork,
    private readonly mails: MailsRepository,
    private readonly tokens: TokensService,
  ) {}

  /**
   * Adds a mail; the transaction must hold the lock of the user's row. A verification mail beyond the limit is postponed,
   * because the address could not be verified without it.
   */
  async add(tx: Transaction, mail: NewMail): Promise<void> {
    await this.insert(tx, mail, Math.max(now(), await this.getAllowedAt(tx, mail, CAUSED_MAILS)));
  }

  /** Adds a mail that an operator asks for. The transaction must hold the lock of the user's row. */
  async addUnlimited(tx: Transaction, mail: NewMail): Promise<void> {
    await this.insert(tx, mail, now());
  }

  /** Adds a mail that anybody may request who knows the username. Beyond the limits it is dropped. */
  async addRequested(tx: Transaction, mail: NewMail): Promise<void> {
    if ((await this.getAllowedAt(tx, mail, REQUESTED_MAILS)) <= now()) await this.insert(tx, mail, now());
  }

  private async getAllowedAt(
    tx: Transaction,
    { userId, kind }: NewMail,
    limits: MailLimit[],
  ): Promise<number> {
    return this.settings.rateLimits ? getEarliestDueAt(await tx.manager(), userId, kind, limits) : 0;
  }

  private async insert(tx: Transaction, mail: NewMail, dueAt: number): Promise<void> {
    const manager = await tx.manager();
    await manager.insert(Mail, { ...mail, state: 'waiting', attempts: 0, dueAt, createdAt: now() });
    tx.afterCommit(() => {
      this.mailAdded
        .run()
        .catch((error: Error) => this.logger.error(`handler of new mails failed: ${error.message}`));
    });
  }

  /** Cancels the waiting mails. Those that may have been sent already stay as rows, because the limits count them. */
  async cancel(tx: Transaction, userId: number, kinds: MailKind[]): Promise<void> {
    const manager = await tx.manager();
    const waiting: FindOptionsWhere<Mail> = { userId, kind: In(kinds), state: 'waiting' };
    await manager.delete(Mail, { ...waiting, attempts: 0 });
    await manager.update(Mail, waiting, { state: 'cancelled', dueAt: now() });
  }

  async claim(limit: number): Promise<Claim[]> {
    const due = await this.mails.findDue(limit);
    if (due.length === 0) return [];
    return this.unitOfWork.run(async (tx) => {
      const userIds = due.map(({ userId }) => userId);
      const recipients = await this.mails.lockRecipients(tx, userIds);
      const manager = await tx.manager();
      const claims: Claim[] = [];
      for (const mail of due) {
        const recipient = recipients.get(mail.userId);
        if (!recipient || !(await this.lease(manager, mail))) continue;
        const tokenKind = TOKEN_KINDS[mail.kind];
        // A link that is sent to an old address would verify the new one.
        if (tokenKind === 'verify-email' && recipient.email !== mail.address) {
          await manager.delete(Mail, { id: mail.id });
          continue;
        }
        const { username, name } = recipient;
        const token = tokenKind && this.tokens.issue(tx, tokenKind, mail.userId);
        claims.push({ mail: { ...mail, attempts: mail.attempts + 1 }, content: { username, name, token } });
      }
      return claims;
    });
  }

  private async lease(manager: EntityManager, mail: WaitingMail): Promise<boolean> {
    const unchanged = { ...claimOf(mail), dueAt: mail.dueAt };
    const leased = { attempts: mail.attempts + 1, dueAt: this.leaseEnd() };
    const { affected } = await manager.update(Mail, unchanged, leased);
    return affected === 1;
  }

  async renewLeases(mails: WaitingMail[]): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const manager = await tx.manager();
      for (const mail of mails) await manager.update(Mail, claimOf(mail), { dueAt: this.leaseEnd() });
    });
  }

  /** A failure counts only while its worker holds the mail; success always counts. */
  async saveOutcomes(outcomes: Outcome[]): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const manager = await tx.manager();
      for (const { mail, failure } of outcomes) {
        if (failure) await manager.update(Mail, claimOf(mail), changesAfter(failure, mail));
        else await manager.update(Mail, mail.id, { state: 'sent', error: null, dueAt: now() });
      }
    });
  }

  /** Removes the mails of an erased user. */
  deleteAllOf(userId: number, signal: AbortSignal): Promise<void> {
    const ofUser = { table: 'mails', where: 'user_id = ?', values: [userId], key: 'id' };
    return deleteInChunks(this.unitOfWork, signal, ofUser);
  }

  deleteOldMails(signal: AbortSignal): Promise<void> {
    return deleteInChunks(this.unitOfWork, signal, {
      table: 'mails',
      where: "state <> 'waiting' AND created_at < ?",
      values: [now() - RETENTION_US],
      key: 'created_at',
    });
  }

  private leaseEnd(): number {
    return now() + this.settings.mailTiming.leaseMs * MILLISECOND;
  }
}

/** Matches the mail's row until the mail is cancelled or claimed again. */
function claimOf({ id, attempts }: WaitingMail): FindOptionsWhere<Mail> {
  return { id, attempts, state: 'waiting' };
}

function changesAfter({ reason, retryInMs }: Failure, { createdAt, attempts }: WaitingMail): Partial<Mail> {
  const error = toStorableError(reason);
  const isTooOld = now() - createdAt > MAX_AGE_US && attempts >= MIN_ATTEMPTS;
  if (retryInMs === null || isTooOld) return { state: 'failed', error, dueAt: now() };
  return { error, dueAt: now() + Math.round(retryInMs * MILLISECOND) };
}

/** Removes tokens, because a mail server's answer may quote the mail. */
function toStorableError(reason: string): string {
  const text = reason.toWellFormed().replace(/eyJ[\w.=-]+/g, '…');
  return Array.from(text).slice(0, MAX_ERROR_LENGTH).join('');
}
