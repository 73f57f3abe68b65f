import { Injectable } from '@nestjs/common';
import { fold } from '../helpers/text.js';
import { placeholders, Reader, type Transaction } from '../database/unit-of-work.js';
import type { UserDto } from './dto/users.dto.js';
import type { User } from './user.entity.js';
import { deletions, editDistance, maxEdits, searchTerms } from './user-search.js';
import { UserSearchTerm } from './user-search-term.entity.js';

const MAX_RESULTS = 10;
const MAX_MISSPELLINGS = 500;
/** Sorts after all other characters: texts that start with `x` are less than `x + LAST`. */
const LAST = '\u{10FFFF}';

type FoundUser = Pick<User, 'id' | 'name' | 'username' | 'usernameKey'>;

const FOUND_USER = 'u.id, u.name, u.username, u.username_key AS usernameKey';

/** SQL text for the user search, a hot path. Each query reads a bounded number of rows of an index. */
@Injectable()
export class UserSearchRepository {
  constructor(private readonly reader: Reader) {}

  async add(tx: Transaction, userId: number, usernameKey: string): Promise<void> {
    const terms = searchTerms(usernameKey).map(([kind, term]) => ({ kind, term, userId }));
    await (await tx.manager()).insert(UserSearchTerm, terms);
  }

  /** Finds at most 10 users: by a prefix of the username, then by a substring, then by a misspelling. */
  async find(text: string): Promise<UserDto[]> {
    const key = fold(text);
    const found = await this.findByPrefix(key);
    if (found.length < MAX_RESULTS) {
      found.push(...(await Promise.all([this.findBySubstring(key), this.findByMisspelling(key)])).flat());
    }
    return uniqueById(found)
      .slice(0, MAX_RESULTS)
      .map(({ name, username }) => ({ name, username }));
  }

  private findByPrefix(key: string): Promise<FoundUser[]> {
    return this.reader.query(
      `SELECT ${FOUND_USER} FROM users u
       WHERE u.username_key >= ? AND u.username_key < ? ORDER BY u.username_key LIMIT ${MAX_RESULTS}`,
      [key, key + LAST],
    );
  }

  private async findBySubstring(key: string): Promise<FoundUser[]> {
    const users = await this.reader.query<FoundUser>(
      `SELECT DISTINCT ${FOUND_USER} FROM user_search_terms t JOIN users u ON u.id = t.user_id
       WHERE t.kind = 'suffix' AND t.term >= ? AND t.term < ? LIMIT ${MAX_RESULTS}`,
      [key, key + LAST],
    );
    return users.toSorted(byKey);
  }

  /** Two words that differ by one edit have a deletion in common, so equal terms find each other. */
  private async findByMisspelling(key: string): Promise<FoundUser[]> {
    if (maxEdits(key) === 0) return [];
    const terms = [key, ...deletions(key)];
    const users = await this.reader.query<FoundUser>(
      `SELECT ${FOUND_USER} FROM user_search_terms t JOIN users u ON u.id = t.user_id
       WHERE t.kind = 'typo' AND t.term IN (${placeholders(terms.length)}) LIMIT ${MAX_MISSPELLINGS}`,
      terms,
    );
    return uniqueById(users)
      .map((user) => ({ ...user, edits: editDistance(key, user.usernameKey) }))
      .filter(({ edits }) => edits <= maxEdits(key))
      .toSorted((a, b) => a.edits - b.edits || byKey(a, b));
  }
}

function byKey(a: FoundUser, b: FoundUser): number {
  return a.usernameKey < b.usernameKey ? -1 : 1;
}

function uniqueById(users: FoundUser[]): FoundUser[] {
  return [...new Map(users.map((user) => [user.id, user])).values()];
}
