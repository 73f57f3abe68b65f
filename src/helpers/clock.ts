/**
 * Now, in microseconds since the Unix epoch. Databases hold microseconds, which JavaScript's numbers keep
 * exactly; {@link nanoseconds} makes the contract's unit of it.
 */
export function now(): number {
  return Date.now() * 1000;
}

/**
 * Microseconds as the contract's nanoseconds. Steps of 1,000 survive as a double: the shortest decimal
 * that JSON.stringify finds for it is the exact number.
 */
export function toNanoseconds(microseconds: number): number {
  return microseconds * 1000;
}

export const SECOND_US = 1_000_000;
