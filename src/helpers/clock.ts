export const SECOND_US = 1_000_000;

/** Returns the time in microseconds since the Unix epoch, the unit of the database. */
export function now(): number {
  return Date.now() * 1000;
}

/**
 * Converts microseconds to the contract's nanoseconds. JSON has the exact value, although it exceeds 2^53: neighbouring
 * doubles are 256 apart, so the shortest decimal of each, which `JSON.stringify` writes, is the multiple of 1,000.
 */
export function toNanoseconds(microseconds: number): number {
  return microseconds * 1000;
}
