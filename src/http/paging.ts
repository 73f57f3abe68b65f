import { BEFORE_ALL, readInChunks } from '../database/read-in-chunks.js';
import { invalidInput } from '../errors/errors.js';
import { isDecimalInteger } from './parameters.js';
import { IsQueryInteger, Validated } from './validation.js';

const MAX_PAGE_SIZE = 200;

/** The numbers by which a list is sorted, of one of its entries. */
export type SortKey = readonly number[];

/** Asks for up to `limit` entries of a list: its first ones, or those behind the entry of a key. */
export interface PageRequest {
  limit: number;
  after?: SortKey;
}

export interface Page<Entry> {
  entries: Entry[];
  /** The cursor of the next page, `null` at the end, undefined if the entries are the whole list. */
  next?: string | null;
}

interface PageQuery {
  limit?: string;
  after?: string;
}

const MALFORMED = "must be the 'next' of an earlier page";

/** What a list with pages answers to a bad cursor, for the document. */
export const malformedCursor = () => invalidInput('query parameter', 'after', MALFORMED);

export const IsPageSize = () => IsQueryInteger(1, MAX_PAGE_SIZE);

/** Accepts the cursor of a list that is sorted by `length` numbers, together with `limit`. */
export function IsCursor(length: number): PropertyDecorator {
  return Validated<PageQuery>(
    (value, { limit }) => {
      if (decodeCursor(value)?.length !== length) return MALFORMED;
      return limit === undefined ? "must be given together with 'limit'" : undefined;
    },
    { type: String },
  );
}

/** Reads a valid query. Returns undefined if the whole list is due. */
export function parsePageQuery({ limit, after }: PageQuery): PageRequest | undefined {
  return limit === undefined ? undefined : { limit: Number(limit), after: decodeCursor(after) };
}

/** Makes a page of found entries. One more than fits tells that there is a next page. */
export function cutPage<Entry>(found: Entry[], limit: number, keyOf: (entry: Entry) => SortKey): Page<Entry> {
  const entries = found.slice(0, limit);
  return { entries, next: found.length > limit ? encodeCursor(keyOf(entries[limit - 1])) : null };
}

/** Reads the whole list in chunks if `page` is undefined. `readAfter` and `keyOf` are those of {@link readInChunks}. */
export async function readList<Entry>(
  page: PageRequest | undefined,
  readAfter: (after: number, limit: number) => Promise<Entry[]>,
  keyOf: (entry: Entry) => number,
): Promise<Page<Entry>> {
  if (!page) return { entries: await readInChunks(readAfter, keyOf) };
  const { limit, after: [after] = [BEFORE_ALL] } = page;
  return cutPage(await readAfter(after, limit + 1), limit, (entry) => [keyOf(entry)]);
}

function encodeCursor(key: SortKey): string {
  return Buffer.from(key.join('.')).toString('base64url');
}

function decodeCursor(text: unknown): SortKey | undefined {
  if (typeof text !== 'string') return undefined;
  const parts = Buffer.from(text, 'base64url').toString('latin1').split('.');
  if (!parts.every((part) => isDecimalInteger(part, 0, Number.MAX_SAFE_INTEGER))) return undefined;
  const key = parts.map(Number);
  // Buffer.from ignores what is no base64url.
  return encodeCursor(key) === text ? key : undefined;
}
