import { now, SECOND } from '../helpers/clock.js';
import { placeholders, type Transaction } from '../database/unit-of-work.js';
import type { MailKind } from './mail.entity.js';

const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

interface Limit {
  /** The kinds that count together. */
  kinds: MailKind[];
  /** At most so many in any stretch of time of that length, in microseconds. */
  windows: { most: number; length: number }[];
}

const RESETS: Limit = {
  kinds: ['reset-password'],
  windows: [
    { most: 2, length: HOUR },
    { most: 5, length: DAY },
  ],
};
const VERIFICATIONS: Limit = {
  kinds: ['verify-email', 'verify-new-email'],
  windows: [{ most: 5, length: DAY }],
};

/** What anybody may cause to be sent to somebody, of each kind. */
const LIMITS: Record<MailKind, Limit | null> = {
  'verify-email': VERIFICATIONS,
  'verify-new-email': VERIFICATIONS,
  'reset-password': RESETS,
  'password-changed': null,
};

/**
 * From when on a user may be sent another mail of a kind, in microseconds; 0 without a limit. What counts is when
 * the earlier ones went out; those that wait will go out now at the earliest. Exact if whoever adds mails to the
 * user holds the user's row.
 */
export async function allowedFrom(tx: Transaction, userId: number, kind: MailKind): Promise<number> {
  const limit = LIMITS[kind];
  if (!limit) return 0;
  const { kinds, windows } = limit;
  const earlier = await tx.query<{ counted_at: number }>(
    `SELECT CASE WHEN state = 'waiting' THEN ? ELSE due_at END AS counted_at FROM mails
     WHERE user_id = ? AND kind IN (${placeholders(kinds.length)}) ORDER BY counted_at DESC LIMIT ?`,
    [now(), userId, ...kinds, Math.max(...windows.map(({ most }) => most))],
  );
  const ends = windows.map(({ most, length }) =>
    earlier.length < most ? 0 : earlier[most - 1].counted_at + length,
  );
  return Math.max(...ends);
}
