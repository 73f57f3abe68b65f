import { Injectable } from '@nestjs/common';
import { fold } from '../helpers/text.js';
import { placeholders, padded, Reader, type Transaction } from '../database/unit-of-work.js';
import type { UserDto } from './dto/users.dto.js';
import { UserNames } from './user-names.js';

/** How many users a search finds at most. */
const MAX_RESULTS = 10;
/** How many terms of possible misspellings are read at most: beyond that the query is too short to mean anything. */
const MAX_CANDIDATES = 500;
/** How many terms a misspelling is looked up by, at least: the same statement for most usernames. */
const USUAL_TERMS = 16;
/** Greater than every other character: text + LAST is greater than all that begins with text. */
const LAST = '\u{10FFFF}';

interface Match {
  id: number;
  user: UserDto;
  folded: string;
}

/**
 * Finds users by a username typed in part or wrongly. A prefix beats a substring beats a misspelling, and
 * each of the three reads a bounded range of an index, however many users there are.
 */
@Injectable()
export class UserSearch {
  constructor(
    private readonly reader: Reader,
    private readonly names: UserNames,
  ) {}

  /** Makes a new user findable. */
  add(tx: Transaction, userId: number, usernameKey: string): void {
    tx.insert(
      'user_search_terms (kind, term, user_id)',
      searchTerms(usernameKey).map(([kind, term]) => [kind, term, userId]),
    );
  }

  /** The best matches first; none when nothing is similar. */
  async find(text: string): Promise<UserDto[]> {
    const key = fold(text);
    const found = new Map<number, UserDto>();
    for (const { id, name, username } of await this.beginningWith(key)) found.set(id, { name, username });
    if (found.size < MAX_RESULTS) {
      for (const { id, user } of await this.resembling(key)) {
        if (found.size < MAX_RESULTS) found.set(id, user);
      }
    }
    return [...found.values()];
  }

  /** In the order of the index, in which the name itself stands before what begins with it. */
  private beginningWith(key: string): Promise<(UserDto & { id: number })[]> {
    return this.reader.query(
      `SELECT id, name, username FROM users
       WHERE username_key >= ? AND username_key < ? ORDER BY username_key LIMIT ${MAX_RESULTS}`,
      [key, key + LAST],
    );
  }

  /**
   * Those who have the text in their usernames, and then those whose usernames it may misspell. Names are read, and put in
   * order, behind the queries: joined and sorted there they cost MariaDB 1.4 times as much.
   */
  private async resembling(key: string): Promise<Match[]> {
    const [containing, similar] = await Promise.all([this.containing(key), this.similarTo(key)]);
    const users = await this.names.find(new Set([...containing, ...similar]));
    const matchesOf = (ids: number[]): Match[] =>
      [...new Set(ids)]
        .flatMap((id) => {
          const user = users.get(id);
          return user ? [{ id, user, folded: fold(user.username) }] : [];
        })
        .toSorted((a, b) => (a.folded < b.folded ? -1 : 1));
    const misspelt = matchesOf(similar)
      .map((match) => ({ ...match, edits: editDistance(key, match.folded) }))
      .filter(({ edits }) => edits <= editsAllowed(key))
      .toSorted((a, b) => a.edits - b.edits);
    return [...matchesOf(containing), ...misspelt];
  }

  private async containing(key: string): Promise<number[]> {
    // Those found by their prefix may be among them, so as many as are wanted in all.
    const rows = await this.reader.query<{ user_id: number }>(
      `SELECT DISTINCT user_id FROM user_search_terms
       WHERE kind = 'suffix' AND term >= ? AND term < ? LIMIT ${MAX_RESULTS}`,
      [key, key + LAST],
    );
    return rows.map(({ user_id }) => user_id);
  }

  /**
   * Two words that one edit separates (a wrong, missing, added or swapped letter) share one of their
   * deletions, so a few exact look-ups find them.
   */
  private async similarTo(key: string): Promise<number[]> {
    if (editsAllowed(key) === 0) return [];
    const terms = padded([key, ...deletionsOf(key)], USUAL_TERMS);
    const rows = await this.reader.query<{ user_id: number }>(
      `SELECT user_id FROM user_search_terms
       WHERE kind = 'typo' AND term IN (${placeholders(terms.length)}) LIMIT ${MAX_CANDIDATES}`,
      terms,
    );
    return rows.map(({ user_id }) => user_id);
  }
}

/** One edit from three characters on, two from six on; nobody means a username longer than any. */
function editsAllowed(key: string): number {
  const { length } = Array.from(key);
  if (length < 3 || length > 256) return 0;
  return length < 6 ? 1 : 2;
}

/** What a user is found by. */
export function searchTerms(usernameKey: string): [kind: 'suffix' | 'typo', term: string][] {
  return [
    ...suffixesOf(usernameKey).map((term) => ['suffix', term] as ['suffix', string]),
    ...[usernameKey, ...deletionsOf(usernameKey)].map((term) => ['typo', term] as ['typo', string]),
  ];
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
