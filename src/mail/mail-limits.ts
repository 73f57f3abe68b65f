import { type EntityManager, In } from 'typeorm';
import { now, SECOND_US } from '../helpers/clock.js';
import { Mail, type MailKind } from './mail.entity.js';

const HOUR = 3_600 * SECOND_US;
const DAY = 24 * HOUR;

const VERIFICATIONS: MailKind[] = ['verify-email', 'verify-new-email'];

/** Kinds that are counted together. Other kinds have no limit. */
const COUNTED: Partial<Record<MailKind, MailKind[]>> = {
  'reset-password': ['reset-password'],
  'verify-email': VERIFICATIONS,
  'verify-new-email': VERIFICATIONS,
};

export interface MailLimit {
  max: number;
  periodUs: number;
}

const A_DAY: MailLimit = { max: 5, periodUs: DAY };

/** Of mails that anybody may request who knows the username. */
export const REQUESTED_MAILS: MailLimit[] = [{ max: 2, periodUs: HOUR }, A_DAY];

/** Of mails that follow from what the user does. */
export const CAUSED_MAILS: MailLimit[] = [A_DAY];

/** Returns when the limits allow another mail, in microseconds. The caller must hold the lock of the user's row. */
export async function getEarliestDueAt(
  manager: EntityManager,
  userId: number,
  kind: MailKind,
  limits: MailLimit[],
): Promise<number> {
  const kinds = COUNTED[kind];
  if (!kinds) return 0;
  const mails = await manager.findBy(Mail, { userId, kind: In(kinds) });
  const times = mails
    .map(({ state, dueAt }) => (state === 'waiting' ? now() : dueAt))
    .toSorted((a, b) => b - a);
  return Math.max(...limits.map(({ max, periodUs }) => (times.length < max ? 0 : times[max - 1] + periodUs)));
}
