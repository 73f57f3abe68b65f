import { Injectable } from '@nestjs/common';
import { Audit } from '../audit/audit.js';
import { Settings } from '../config/settings.js';
import { isDuplicate } from '../database/driver-errors.js';
import { Reader, type Transaction, UnitOfWork } from '../database/unit-of-work.js';
import { now } from '../helpers/clock.js';
import { Handlers } from '../helpers/handlers.js';
import { fold } from '../helpers/text.js';
import type { Origin } from '../http/origin.js';
import { Limits } from '../limits/limits.service.js';
import { Outbox } from '../mail/outbox.service.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { addRemoval } from '../removals/removals.service.js';
import type { Caller } from '../tokens/caller.js';
import { TokensService } from '../tokens/tokens.service.js';
import type { RegisterDto, UpdateUserDto, UserDetailDto, UserDto } from './dto/users.dto.js';
import { UNIQUE_EMAIL, UNIQUE_USERNAME, User } from './user.entity.js';
import { UserSearchRepository } from './user-search.repository.js';
import {
  emailTaken,
  nothingToUpdate,
  notSelf,
  registrationClosed,
  usernameTaken,
  userNotFound,
} from './user-errors.js';
import { UsersRepository } from './users.repository.js';

type UserKeys = Pick<User, 'usernameKey' | 'emailKey'>;

@Injectable()
export class UsersService {
  /** Runs in the transaction that erases a user, before the user's row is deleted. */
  readonly beforeErasing = new Handlers<[tx: Transaction, userId: number]>();

  constructor(
    private readonly settings: Settings,
    private readonly unitOfWork: UnitOfWork,
    private readonly reader: Reader,
    private readonly repository: UsersRepository,
    private readonly searchRepository: UserSearchRepository,
    private readonly hasher: PasswordHasher,
    private readonly tokens: TokensService,
    private readonly outbox: Outbox,
    private readonly limits: Limits,
    private readonly audit: Audit,
  ) {}

  /** @throws ParleyError (registration_closed, rate_limited, username_taken, email_taken). */
  async register({ name, email, password, ...dto }: RegisterDto, origin: Origin): Promise<void> {
    if (!this.settings.isRegistrationOpen) throw registrationClosed();
    await this.limits.count('registration', origin.network, origin);
    const username = dto.username.normalize('NFC');
    const keys = { usernameKey: fold(username), emailKey: fold(email) };
    await this.requireFree(keys);
    const passwordHash = await this.hasher.hash(password);
    const registered = this.unitOfWork.run(async (tx) => {
      const user = { username, name, email, passwordHash, verified: false, createdAt: now(), ...keys };
      const { identifiers } = await (await tx.manager()).insert(User, user);
      const userId = identifiers[0].id as number;
      await this.searchRepository.add(tx, userId, keys.usernameKey);
      await this.outbox.add(tx, { userId, kind: 'verify-email', address: email });
      return userId;
    });
    const userId = await registered.catch(throwConflict);
    this.audit.record('user_registered', origin, { userId });
  }

  search(username: string): Promise<UserDto[]> {
    return this.searchRepository.find(username);
  }

  /** @throws ParleyError (user_not_found). */
  async getProfile(caller: Caller, username: string): Promise<UserDetailDto> {
    const usernameKey = fold(username);
    const select = { id: true, name: true, username: true, email: true, verified: true };
    const user = await this.reader.run((manager) =>
      manager.findOne(User, { select, where: { usernameKey } }),
    );
    if (!user) throw userNotFound(username);
    const profile = { name: user.name, username: user.username };
    return user.id === caller.userId ? { ...profile, email: user.email, verified: user.verified } : profile;
  }

  /** @throws ParleyError (user_not_found), (not_allowed) when the user is not the caller. */
  async requireSelf(caller: Caller, username: string): Promise<void> {
    const usernameKey = fold(username);
    if (usernameKey === fold(caller.username)) return;
    const exists = await this.reader.run((manager) => manager.existsBy(User, { usernameKey }));
    throw exists ? notSelf() : userNotFound(username);
  }

  /** Changes all given fields or none. The mail about a new password goes to the email before the change. */
  async update({ userId }: Caller, { name, email, password }: UpdateUserDto, origin: Origin): Promise<void> {
    if (name === undefined && email === undefined && password === undefined) {
      throw nothingToUpdate();
    }
    const passwordHash = password === undefined ? undefined : await this.hasher.hash(password);
    const isEmailChanged = await this.unitOfWork
      .run(async (tx) => {
        const user = await this.repository.lockUser(tx, userId);
        if (name !== undefined) await (await tx.manager()).update(User, userId, { name });
        if (passwordHash !== undefined) {
          await this.repository.setPassword(tx, userId, passwordHash);
          await this.outbox.add(tx, { userId, kind: 'password-changed', address: user.email });
        }
        const isNewEmail = email !== undefined && email !== user.email;
        if (isNewEmail) await this.changeEmail(tx, userId, email);
        return isNewEmail;
      })
      .catch(throwConflict);
    if (password !== undefined) this.audit.record('password_changed', origin, { userId });
    if (isEmailChanged) this.audit.record('email_changed', origin, { userId });
  }

  private async changeEmail(tx: Transaction, userId: number, email: string): Promise<void> {
    await (await tx.manager()).update(User, userId, { email, emailKey: fold(email), verified: false });
    await this.tokens.revokeAll(tx, 'verify-email', userId);
    await this.outbox.cancel(tx, userId, ['verify-email', 'verify-new-email']);
    await this.outbox.add(tx, { userId, kind: 'verify-new-email', address: email });
  }

  async erase({ userId }: Pick<Caller, 'userId'>, origin: Origin): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      // Adding the user to a chat locks this row too, so no membership appears until the end.
      await this.repository.lockUser(tx, userId);
      await this.beforeErasing.run(tx, userId);
      // This revokes the tokens and hides the messages. A foreign key deletes the search terms.
      await (await tx.manager()).delete(User, userId);
      addRemoval(tx, 'user', userId);
      this.tokens.publishRevocation(tx, userId);
    });
    this.audit.record('user_deleted', origin, { userId });
  }

  /** Saves the hash of a registration that must fail. The unique indexes decide about concurrent registrations. */
  private async requireFree({ usernameKey, emailKey }: UserKeys): Promise<void> {
    if (await this.reader.run((manager) => manager.existsBy(User, { usernameKey }))) throw usernameTaken();
    if (await this.reader.run((manager) => manager.existsBy(User, { emailKey }))) throw emailTaken();
  }
}

function throwConflict(error: unknown): never {
  if (isDuplicate(error, UNIQUE_USERNAME)) throw usernameTaken();
  if (isDuplicate(error, UNIQUE_EMAIL)) throw emailTaken();
  throw error;
}
