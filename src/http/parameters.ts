import { invalid } from '../errors/errors.js';

/** Numbers and uuids in paths and queries, read strictly: `01`, `-0`, `1e3` are errors, not numbers. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text is a decimal integer without sign or leading zero, from `min` to `max`. */
export function isInteger(text: unknown, min: number, max: number): text is string {
  if (typeof text !== 'string' || !/^(0|[1-9]\d{0,15})$/.test(text)) return false;
  const value = Number(text);
  return value >= min && value <= max;
}

export function isUuid(text: string | undefined): text is string {
  return text !== undefined && UUID.test(text);
}

/** The uuid of a path, in lower case. */
export function uuidParameter(name: string, text: string | undefined): string {
  if (!text) throw invalid(`path parameter '${name}' must be present`);
  if (!isUuid(text)) throw invalid(`path parameter '${name}' must be a uuid`);
  return text.toLowerCase();
}

/** The index of a message in a path: 0 to 2^53 − 1. */
export function indexParameter(name: string, text: string | undefined): number {
  if (!text) throw invalid(`path parameter '${name}' must be present`);
  if (!isInteger(text, 0, Number.MAX_SAFE_INTEGER)) {
    throw invalid(`path parameter '${name}' must be an integer from 0 to ${Number.MAX_SAFE_INTEGER}`);
  }
  return Number(text);
}
