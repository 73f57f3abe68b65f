import { type EntityManager, In } from 'typeorm';
import { now, SECOND_US } from '../helpers/clock.js';
import { Mail, type MailKind } from './mail.entity.js';

const HOUR = 3_600 * SECOND_US;
const DAY = 24 * HOUR;

const RESETS: MailKind[] = ['reset-password'];
const VERIFICATIONS: MailKind[] = ['verify-email', 'verify-new-email'];

/** The kinds of a limit are counted together. */
const LIMITS = [
  { kinds: RESETS, max: 2, periodUs: HOUR },
  { kinds: RESETS, max: 5, periodUs: DAY },
  { kinds: VERIFICATIONS, max: 5, periodUs: DAY },
];

/** Returns when the limits allow another mail, in microseconds. The caller must hold the lock of the user's row. */
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
  return Math.max(...limits.map(({ max, periodUs }) => (times.length < max ? 0 : times[max - 1] + periodUs)));
}
