export interface Limit {
  /** What is counted, for the error and for SECURITY.md. */
  what: string;
  countedBy: string;
  max: number;
  seconds: number;
  /** Successful answers tell what is left, too. */
  isAnnounced?: boolean;
}

/**
 * Limits that protect secrets and mail boxes, counted in the database: they hold across instances and restarts. Of each
 * period, which begins with the first hit, `max` hits are allowed.
 */
export const SHARED_LIMITS = {
  login: { what: 'failed logins', countedBy: 'username and address', max: 10, seconds: 900 },
  'login-address': { what: 'failed logins', countedBy: 'address', max: 100, seconds: 900 },
  registration: { what: 'registrations', countedBy: 'address', max: 30, seconds: 3600, isAnnounced: true },
  'mail-request': {
    what: 'requests for a mail',
    countedBy: 'address',
    max: 20,
    seconds: 3600,
    isAnnounced: true,
  },
  'room-password': { what: 'wrong passwords', countedBy: 'user and room', max: 10, seconds: 900 },
} satisfies Record<string, Limit>;

/** Limits that protect capacity, counted in memory: bursts of `max`, and on average `max` in `seconds`. */
export const LOCAL_LIMITS = {
  send: { what: 'messages', countedBy: 'user', max: 200, seconds: 10, isAnnounced: true },
  call: { what: 'calls', countedBy: 'user', max: 400, seconds: 4 },
  anonymous: { what: 'calls without a good token', countedBy: 'address', max: 300, seconds: 60 },
} satisfies Record<string, Limit>;

export type SharedLimit = keyof typeof SHARED_LIMITS;
export type LocalLimit = keyof typeof LOCAL_LIMITS;

/** All limits by name. A test compares them with SECURITY.md. */
export const LIMITS: Record<SharedLimit | LocalLimit, Limit> = { ...SHARED_LIMITS, ...LOCAL_LIMITS };
