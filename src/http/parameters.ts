import { invalidInput } from '../errors/errors.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Returns whether the text is an integer from `min` to `max` in its only accepted spelling: not `01`, `-0` or `1e3`. */
export function isDecimalInteger(text: unknown, min: number, max: number): text is string {
  if (typeof text !== 'string' || !/^(0|[1-9]\d{0,15})$/.test(text)) return false;
  const value = Number(text);
  return value >= min && value <= max;
}

export function isUuid(text: string | undefined): text is string {
  return text !== undefined && UUID.test(text);
}

export function parseUuid(name: string, text: string | undefined): string {
  if (!text) throw invalidInput('path parameter', name, 'must be present');
  if (!isUuid(text)) throw invalidInput('path parameter', name, 'must be a uuid');
  return text.toLowerCase();
}

export function parseIndex(name: string, text: string | undefined): number {
  if (!text) throw invalidInput('path parameter', name, 'must be present');
  if (!isDecimalInteger(text, 0, Number.MAX_SAFE_INTEGER)) throw malformedIndex('path parameter', name);
  return Number(text);
}

export const malformedIndex = (kind: 'path parameter' | 'query parameter', name: string) =>
  invalidInput(kind, name, integerRule(0, Number.MAX_SAFE_INTEGER));

export const integerRule = (min: number, max: number) => `must be an integer from ${min} to ${max}`;
