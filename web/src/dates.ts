const NANOSECONDS_PER_MS = 1_000_000;

/** Returns the date of a message. */
export const dateOf = (timestamp: number): Date => new Date(timestamp / NANOSECONDS_PER_MS);
