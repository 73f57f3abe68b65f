import { Injectable } from '@nestjs/common';
import { Batcher } from '../database/batcher.js';
import { placeholders, Reader, type Transaction } from '../database/unit-of-work.js';
import { fold } from '../helpers/text.js';
import { tokenRevoked } from '../tokens/token-errors.js';
import type { UserDto } from './dto/users.dto.js';
import { User } from './user.entity.js';
import { userNotFound } from './user-errors.js';

export type LockedUser = Pick<User, 'id' | 'email'> & { verified: number };

export type Credentials = Pick<User, 'id' | 'usernameKey' | 'passwordHash'> & { verified: number };

const SELECT_CREDENTIALS = `SELECT id, username_key AS usernameKey, password_hash AS passwordHash, verified
  FROM users WHERE username_key`;

/** SQL text for the look-up at login, a hot path, and for row locks. Locks last until the transaction ends. */
@Injectable()
export class UsersRepository {
  private readonly logins: Batcher<string, Credentials | undefined>;

  constructor(reader: Reader) {
    this.logins = new Batcher((keys) =>
      reader.queryEach(SELECT_CREDENTIALS, keys, ({ usernameKey }: Credentials) => usernameKey),
    );
  }

  findCredentials(username: string): Promise<Credentials | undefined> {
    return this.logins.add(fold(username));
  }

  /** @throws ParleyError (token_invalid) when the user has been erased. */
  async lockUser(tx: Transaction, userId: number): Promise<LockedUser> {
    const sql = `SELECT id, email, verified FROM users WHERE id = ?${tx.forUpdate}`;
    const [user] = await tx.query<LockedUser>(sql, [userId]);
    if (!user) throw tokenRevoked();
    return user;
  }

  async findName(tx: Transaction, userId: number): Promise<UserDto | undefined> {
    const [user] = await tx.query<UserDto>('SELECT name, username FROM users WHERE id = ?', [userId]);
    return user;
  }

  async findAndLockUser(tx: Transaction, username: string): Promise<LockedUser | undefined> {
    const sql = `SELECT id, email, verified FROM users WHERE username_key = ?${tx.forUpdate}`;
    const [user] = await tx.query<LockedUser>(sql, [fold(username)]);
    return user;
  }

  /** Keeps the user from being erased. Throws `refusal` when the user has been erased. */
  async lockUserShared(tx: Transaction, userId: number, refusal: () => Error = tokenRevoked): Promise<void> {
    const users = await tx.query(`SELECT id FROM users WHERE id = ?${tx.forShare}`, [userId]);
    if (users.length === 0) throw refusal();
  }

  /**
   * Keeps users from being erased. Returns the id of each user once, in the order of `usernames`.
   * @throws ParleyError (user_not_found) that names those who do not exist.
   */
  async lockUsersShared(tx: Transaction, usernames: string[]): Promise<number[]> {
    const names = new Map(usernames.map((username) => [fold(username), username]));
    const rows = await tx.query<Pick<User, 'id' | 'usernameKey'>>(
      `SELECT id, username_key AS usernameKey FROM users
       WHERE username_key IN (${placeholders(names.size)})${tx.forShare}`,
      [...names.keys()],
    );
    const ids = new Map(rows.map(({ id, usernameKey }) => [usernameKey, id]));
    const unknown = [...names.keys()].filter((key) => !ids.has(key));
    if (unknown.length > 0) throw userNotFound(...unknown.map((key) => names.get(key) ?? key));
    return [...names.keys()].flatMap((key) => ids.get(key) ?? []);
  }

  async setPassword(tx: Transaction, userId: number, passwordHash: string): Promise<void> {
    await (await tx.manager()).update(User, userId, { passwordHash });
  }

  async markVerified(tx: Transaction, userId: number): Promise<void> {
    await (await tx.manager()).update(User, userId, { verified: true });
  }
}
