import { Injectable } from '@nestjs/common';
import { now } from '../helpers/clock.js';
import { conflict, forbidden, invalid, unauthenticated } from '../errors/errors.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { fold } from '../helpers/text.js';
import { isDuplicate } from '../database/driver-errors.js';
import { Reader, type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { Outbox } from '../mail/outbox.service.js';
import type { Caller } from '../tokens/caller.js';
import { TokensService } from '../tokens/tokens.service.js';
import type { RegisterDto, UpdateUserDto, UserDetailDto, UserDto } from './dto/users.dto.js';
import { EMAIL_TAKEN, User, USERNAME_TAKEN } from './user.entity.js';
import { UserSearch } from './user-search.js';

/** What another module does, in the same transaction, before a user's row goes. */
export type Erasure = (tx: Transaction, userId: number) => Promise<void>;

@Injectable()
export class UsersService {
  private readonly erasures: Erasure[] = [];

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly reader: Reader,
    private readonly search: UserSearch,
    private readonly hasher: PasswordHasher,
    private readonly tokens: TokensService,
    private readonly outbox: Outbox,
  ) {}

  /** Lets a module that builds on users erase what it keeps of them. */
  beforeErasing(erasure: Erasure): void {
    this.erasures.push(erasure);
  }

  /** @throws ParleyError (conflict) when the username or the email is taken. */
  async register(dto: RegisterDto): Promise<void> {
    const username = dto.username.normalize('NFC');
    const keys = { usernameKey: fold(username), emailKey: fold(dto.email) };
    await this.refuseTaken(keys);
    const passwordHash = await this.hasher.hash(dto.password);
    await reportTaken(
      this.unitOfWork.run(async (tx) => {
        const { name, email } = dto;
        const user = { username, name, email, passwordHash, verified: false, createdAt: now(), ...keys };
        const { identifiers } = await (await tx.manager()).insert(User, user);
        const userId = identifiers[0].id as number;
        this.search.add(tx, userId, keys.usernameKey);
        await this.outbox.add(tx, { userId, kind: 'verify-email', address: email });
      }),
    );
  }

  /** At most 10 users, the best match first. */
  find(username: string): Promise<UserDto[]> {
    return this.search.find(username);
  }

  /** @throws ParleyError (invalid) when there is no such user. */
  async describe(caller: Caller, username: string): Promise<UserDetailDto> {
    const [user] = await this.reader.query<{
      id: number;
      name: string;
      username: string;
      email: string;
      verified: number;
    }>(`SELECT id, name, username, email, verified FROM users WHERE username_key = ?`, [fold(username)]);
    if (!user) throw unknownUser(username);
    const { id, name, email, verified } = user;
    if (id !== caller.userId) return { name, username: user.username };
    return { name, username: user.username, email, verified: verified === 1 };
  }

  /** @throws ParleyError (invalid, forbidden) unless the username of a path is the caller's own. */
  async requireSelf(caller: Caller, username: string): Promise<void> {
    const key = fold(username);
    if (key === fold(caller.username)) return;
    const known = await this.reader.query(`SELECT 1 FROM users WHERE username_key = ?`, [key]);
    if (known.length === 0) throw unknownUser(username);
    throw forbidden('not allowed to modify other users');
  }

  /**
   * Changes what the caller gave, all or nothing. A new email has to be verified again; a new password is
   * told by mail, to the address that was the user's until now.
   */
  async update({ userId }: Caller, { name, email, password }: UpdateUserDto): Promise<void> {
    if (name === undefined && email === undefined && password === undefined) {
      throw invalid("at least one of the fields 'name', 'email' and 'password' must be present");
    }
    const passwordHash = password === undefined ? undefined : await this.hasher.hash(password);
    await reportTaken(
      this.unitOfWork.run(async (tx) => {
        const [current] = await tx.query<{ email: string }>(
          `SELECT email FROM users WHERE id = ?${tx.forUpdate}`,
          [userId],
        );
        if (!current) throw unauthenticated('invalid token: no longer valid');
        const manager = await tx.manager();
        if (name !== undefined) await manager.update(User, userId, { name });
        if (passwordHash !== undefined) {
          await manager.update(User, userId, { passwordHash });
          await this.outbox.add(tx, { userId, kind: 'password-changed', address: current.email });
        }
        if (email !== undefined && email !== current.email) await this.changeEmail(tx, userId, email);
      }),
    );
  }

  private async changeEmail(tx: Transaction, userId: number, email: string): Promise<void> {
    await (await tx.manager()).update(User, userId, { email, emailKey: fold(email), verified: false });
    await this.tokens.revokeAll(tx, 'verify-email', userId);
    await this.outbox.cancel(tx, userId, ['verify-email', 'verify-new-email']);
    await this.outbox.add(tx, { userId, kind: 'verify-new-email', address: email });
  }

  /** Erases the caller and all that is theirs ("Users" in the contract), in one transaction. */
  async erase({ userId }: Caller): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      // Whoever makes the user a member of a chat holds on to this row: nobody does any more.
      await tx.query(`SELECT id FROM users WHERE id = ?${tx.forUpdate}`, [userId]);
      for (const erase of this.erasures) await erase(tx, userId);
      // Tokens, waiting mails and search terms go with the row.
      await tx.execute('DELETE FROM users WHERE id = ?', [userId]);
    });
  }

  /** @throws ParleyError (unauthenticated) unless the caller still exists; they do until the transaction ends. */
  async requirePresent(tx: Transaction, userId: number): Promise<void> {
    const rows = await tx.query(`SELECT id FROM users WHERE id = ?${tx.forShare}`, [userId]);
    if (rows.length === 0) throw unauthenticated('invalid token: no longer valid');
  }

  /**
   * The ids of users who cannot go away before the transaction ends, in the order of `usernames`, each
   * once.
   *
   * @throws ParleyError (invalid) that names the first who does not exist.
   */
  async requireAll(tx: Transaction, usernames: string[]): Promise<number[]> {
    const keys = new Map(usernames.map((username) => [fold(username), username]));
    const rows = await tx.query<{ id: number; username_key: string }>(
      `SELECT id, username_key FROM users WHERE username_key IN (${[...keys].map(() => '?').join(', ')})${tx.forShare}`,
      [...keys.keys()],
    );
    const ids = new Map(rows.map((row) => [row.username_key, row.id]));
    return [...keys].map(([key, username]) => {
      const id = ids.get(key);
      if (id === undefined) throw unknownUser(username);
      return id;
    });
  }

  /** Spares the hash of a registration that cannot succeed; the unique indices decide. */
  private async refuseTaken({
    usernameKey,
    emailKey,
  }: Pick<User, 'usernameKey' | 'emailKey'>): Promise<void> {
    const taken = await this.reader.query<{ username_key: string }>(
      'SELECT username_key FROM users WHERE username_key = ? UNION ALL SELECT username_key FROM users WHERE email_key = ?',
      [usernameKey, emailKey],
    );
    if (taken.some((row) => row.username_key === usernameKey)) throw usernameTaken();
    if (taken.length > 0) throw emailTaken();
  }
}

const usernameTaken = () => conflict('username is already taken');
const emailTaken = () => conflict('email is already taken');
const unknownUser = (username: string) => invalid(`user '${username}' does not exist`);

async function reportTaken(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (isDuplicate(error, USERNAME_TAKEN)) throw usernameTaken();
    if (isDuplicate(error, EMAIL_TAKEN)) throw emailTaken();
    throw error;
  }
}
