import { Injectable } from '@nestjs/common';
import { fold } from '../helpers/text.js';
import { placeholders, Reader, type Transaction } from '../database/unit-of-work.js';
import type { UserDto } from './dto/users.dto.js';
import { UserNamesRepository } from './user-names.repository.js';
import { deletions, editDistance, maxEdits, searchTerms } from './user-search.js';
import { UserSearchTerm } from './user-search-term.entity.js';

const MAX_RESULTS = 10;
const MAX_MISSPELLINGS = 500;
/** Sorts after all other characters: texts that start with `x` are less than `x + LAST`. */
const LAST = '\u{10FFFF}';

interface Match {
  id: number;
  user: UserDto;
  key: string;
}

/** SQL text for the user search, a hot path. Each query reads a bounded number of rows of an index. */
@Injectable()
export class UserSearchRepository {
  constructor(
    private readonly reader: Reader,
    private readonly names: UserNamesRepository,
  ) {}

  async add(tx: Transaction, userId: number, usernameKey: string): Promise<void> {
    const terms = searchTerms(usernameKey).map(([kind, term]) => ({ kind, term, userId }));
    await (await tx.manager()).insert(UserSearchTerm, terms);
  }

  /** Finds at most 10 users: by a prefix of the username, then by a substring, then by a misspelling. */
  async find(text: string): Promise<UserDto[]> {
    const key = fold(text);
    const found = new Map<number, UserDto>();
    for (const { id, name, username } of await this.findByPrefix(key)) found.set(id, { name, username });
    if (found.size < MAX_RESULTS) {
      for (const { id, user } of await this.resembling(key)) {
        if (found.size < MAX_RESULTS) found.set(id, user);
      }
    }
    return [...found.values()];
  }

  private findByPrefix(key: string): Promise<(UserDto & { id: number })[]> {
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
    const [containing, similar] = await Promise.all([this.findBySubstring(key), this.findByMisspelling(key)]);
    const users = await this.names.findByIds(new Set([...containing, ...similar]));
    const matchesOf = (ids: number[]): Match[] =>
      [...new Set(ids)]
        .flatMap((id) => {
          const user = users.get(id);
          return user ? [{ id, user, key: fold(user.username) }] : [];
        })
        .toSorted((a, b) => (a.key < b.key ? -1 : 1));
    const misspelt = matchesOf(similar)
      .map((match) => ({ ...match, edits: editDistance(key, match.key) }))
      .filter(({ edits }) => edits <= maxEdits(key))
      .toSorted((a, b) => a.edits - b.edits);
    return [...matchesOf(containing), ...misspelt];
  }

  private async findBySubstring(key: string): Promise<number[]> {
    const rows = await this.reader.query<{ user_id: number }>(
      `SELECT DISTINCT user_id FROM user_search_terms
       WHERE kind = 'suffix' AND term >= ? AND term < ? LIMIT ${MAX_RESULTS}`,
      [key, key + LAST],
    );
    return rows.map(({ user_id }) => user_id);
  }

  /** Two words that differ by one edit have a deletion in common, so equal terms find each other. */
  private async findByMisspelling(key: string): Promise<number[]> {
    if (maxEdits(key) === 0) return [];
    const terms = [key, ...deletions(key)];
    const rows = await this.reader.query<{ user_id: number }>(
      `SELECT user_id FROM user_search_terms
       WHERE kind = 'typo' AND term IN (${placeholders(terms.length)}) LIMIT ${MAX_MISSPELLINGS}`,
      terms,
    );
    return rows.map(({ user_id }) => user_id);
  }
}
