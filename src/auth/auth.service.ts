import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Settings } from '../config/settings.js';
import { isMissingReference } from '../database/driver-errors.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Outbox } from '../mail/outbox.service.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import type { Caller } from '../tokens/caller.js';
import { TokensService } from '../tokens/tokens.service.js';
import { UsersRepository } from '../users/users.repository.js';
import { emailNotVerified, wrongCredentials } from './auth-errors.js';
import type { LoginDto, TokenDto } from './dto/auth.dto.js';

/** Longer than a commit to disk takes. */
const MIN_FORGOT_PASSWORD_MS = 100;

@Injectable()
export class AuthService {
  constructor(
    private readonly settings: Settings,
    private readonly unitOfWork: UnitOfWork,
    private readonly users: UsersRepository,
    private readonly hasher: PasswordHasher,
    private readonly tokens: TokensService,
    private readonly outbox: Outbox,
  ) {}

  /** @throws ParleyError (email_not_verified), (wrong_credentials) with the same message and after the same time for an unknown user. */
  async login({ username, password }: LoginDto): Promise<TokenDto> {
    const user = await this.users.findCredentials(username);
    const matches = await this.hasher.verify(user?.passwordHash, password);
    if (!user || !matches) throw wrongCredentials();
    if (this.settings.requireVerifiedEmail && !user.verified) throw emailNotVerified();
    try {
      // Logins are not batched, because a user who is being erased would delay the others.
      return {
        token: await this.unitOfWork.run(async (tx) => this.tokens.issue(tx, 'authentication', user.id)),
      };
    } catch (error) {
      // The user was erased while the password was hashed.
      throw isMissingReference(error) ? wrongCredentials() : error;
    }
  }

  async logout(caller: Caller): Promise<void> {
    await this.unitOfWork.run((tx) => this.tokens.consume(tx, caller));
  }

  /** Mails a reset token. Neither the answer nor its delay tells whether the user exists. */
  async forgotPassword(username: string): Promise<void> {
    await Promise.all([this.mailResetToken(username), sleep(MIN_FORGOT_PASSWORD_MS)]);
  }

  private async mailResetToken(username: string): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const user = await this.users.findAndLockUser(tx, username);
      if (user) await this.outbox.add(tx, { userId: user.id, kind: 'reset-password', address: user.email });
    });
  }

  /** Sets a new password and revokes all reset tokens of the caller. Authentication tokens stay valid. */
  async resetPassword(caller: Caller, password: string): Promise<void> {
    const { userId } = caller;
    const passwordHash = await this.hasher.hash(password);
    await this.unitOfWork.run(async (tx) => {
      const { email } = await this.users.lockUser(tx, userId);
      await this.tokens.consume(tx, caller);
      await this.users.setPassword(tx, userId, passwordHash);
      await this.tokens.revokeAll(tx, 'reset-password', userId);
      await this.outbox.cancel(tx, userId, ['reset-password']);
      await this.outbox.add(tx, { userId, kind: 'password-changed', address: email });
    });
  }

  async verifyEmail(caller: Caller): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      await this.users.lockUser(tx, caller.userId);
      await this.tokens.consume(tx, caller);
      await this.tokens.revokeAll(tx, 'verify-email', caller.userId);
      await this.users.markVerified(tx, caller.userId);
    });
  }
}
