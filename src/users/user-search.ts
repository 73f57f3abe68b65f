import { Injectable } from '@nestjs/common';
import { fold } from '../common/text.js';
import { list, padded, placeholders, Reader, type Transaction } from '../database/unit-of-work.js';
import type { UserDto } from './dto/users.dto.js';

/** How many users a search finds at most. */
const MOST_FOUND = 10;
/** How many possible misspellings are compared at most: beyond that the query is too short to mean anything. */
const MOST_CANDIDATES = 500;
/** Greater than every other character: text + LAST is greater than all that begins with text. */
const LAST = '\u{10FFFF}';

interface Row extends UserDto {
  id: number;
  username_key: string;
}

/**
 * Finds users by a username typed in part or wrongly. A prefix beats a substring beats a misspelling, and
 * each of the three reads a bounded range of an index, however many users there are.
 */
@Injectable()
export class UserSearch {
  constructor(private readonly reader: Reader) {}

  /** Makes a new user findable. */
  async add(tx: Transaction, userId: number, usernameKey: string): Promise<void> {
    const suffixes = suffixesOf(usernameKey).map((term) => ['suffix', term, userId]);
    const typos = [usernameKey, ...deletionsOf(usernameKey)].map((term) => ['typo', term, userId]);
    const rows = [...suffixes, ...typos];
    await tx.execute(
      `INSERT INTO user_search_terms (kind, term, user_id) VALUES ${placeholders(rows.length, 3)}`,
      rows.flat(),
    );
  }

  /** The best matches first; none when nothing is similar. */
  async find(text: string): Promise<UserDto[]> {
    const key = fold(text);
    const found = new Map<number, Row>();
    const steps = [() => this.byPrefix(key), () => this.bySubstring(key), () => this.byMisspelling(key)];
    for (const step of steps) {
      for (const row of await step()) {
        if (found.size < MOST_FOUND) found.set(row.id, row);
      }
      if (found.size === MOST_FOUND) break;
    }
    return [...found.values()].map(({ name, username }) => ({ name, username }));
  }

  /** In the order of the index, in which the name itself stands before what begins with it. */
  private byPrefix(key: string): Promise<Row[]> {
    return this.reader.query<Row>(
      `SELECT id, name, username, username_key FROM users
       WHERE username_key >= ? AND username_key < ? ORDER BY username_key LIMIT ${MOST_FOUND}`,
      [key, key + LAST],
    );
  }

  private bySubstring(key: string): Promise<Row[]> {
    // Those found by their prefix may be among them, so as many as are wanted in all.
    return this.reader.query<Row>(
      `SELECT u.id, u.name, u.username, u.username_key FROM (
         SELECT DISTINCT user_id FROM user_search_terms
         WHERE kind = 'suffix' AND term >= ? AND term < ? LIMIT ${MOST_FOUND}
       ) t JOIN users u ON u.id = t.user_id ORDER BY u.username_key`,
      [key, key + LAST],
    );
  }

  /**
   * Two words that one edit separates (a wrong, missing, added or swapped letter) share one of their
   * deletions, so a few exact look-ups find them.
   */
  private async byMisspelling(key: string): Promise<Row[]> {
    const tolerance = editsAllowed(key);
    if (tolerance === 0) return [];
    const terms = padded([key, ...deletionsOf(key)]);
    const rows = await this.reader.query<Row>(
      `SELECT u.id, u.name, u.username, u.username_key FROM (
         SELECT DISTINCT user_id FROM user_search_terms
         WHERE kind = 'typo' AND term IN (${list(terms.length)}) LIMIT ${MOST_CANDIDATES}
       ) t JOIN users u ON u.id = t.user_id ORDER BY u.username_key`,
      terms,
    );
    return rows
      .map((row) => ({ row, edits: editDistance(key, row.username_key) }))
      .filter(({ edits }) => edits <= tolerance)
      .toSorted((a, b) => a.edits - b.edits)
      .map(({ row }) => row);
  }
}

/** One edit from three characters on, two from six on; nobody means a username longer than any. */
function editsAllowed(key: string): number {
  const { length } = Array.from(key);
  if (length < 3 || length > 256) return 0;
  return length < 6 ? 1 : 2;
}

/** What is left of the text behind its first character, its second, and so on. */
function suffixesOf(text: string): string[] {
  const characters = Array.from(text);
  return characters.slice(1).map((_, index) => characters.slice(index + 1).join(''));
}

/** The text without its first character, without its second, and so on, each once. */
function deletionsOf(text: string): string[] {
  const characters = Array.from(text);
  if (characters.length < 2) return [];
  return [...new Set(characters.map((_, index) => characters.toSpliced(index, 1).join('')))];
}

/** The least number of insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
export function editDistance(from: string, to: string): number {
  const a = Array.from(from);
  const b = Array.from(to);
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const differs = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + differs);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) edits = Math.min(edits, beforeLast[j - 2] + 1);
      row.push(edits);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}
