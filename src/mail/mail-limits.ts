import { type EntityManager, In } from 'typeorm';
import { now, SECOND } from '../helpers/clock.js';
import { Mail, type MailKind } from './mail.entity.js';

const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

const RESETS: MailKind[] = ['reset-password'];
const VERIFICATIONS: MailKind[] = ['verify-email', 'verify-new-email'];

/** At most `max` mails of these kinds, counted together, go to a user in any period of that length (microseconds). */
const LIMITS = [
  { kinds: RESETS, max: 2, period: HOUR },
  { kinds: RESETS, max: 5, period: DAY },
  { kinds: VERIFICATIONS, max: 5, period: DAY },
];

/**
 * Returns when the limits allow another mail of a kind to the user, in microseconds; 0 without a limit. Sent mails
 * count from when they were sent, waiting ones from now. The caller must hold the lock of the user's row.
 */
export async function getEarliestDueAt(
  manager: EntityManager,
  userId: number,
  kind: MailKind,
): Promise<number> {
  const limits = LIMITS.filter(({ kinds }) => kinds.includes(kind));
  if (limits.length === 0) return 0;
  const mails = await manager.findBy(Mail, { userId, kind: In(limits[0].kinds) });
  const times = mails
    .map(({ state, dueAt }) => (state === 'waiting' ? now() : dueAt))
    .toSorted((a, b) => b - a);
  return Math.max(...limits.map(({ max, period }) => (times.length < max ? 0 : times[max - 1] + period)));
}
