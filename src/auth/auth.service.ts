import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Audit } from '../audit/audit.js';
import { Settings } from '../config/settings.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { fold } from '../helpers/text.js';
import type { Origin } from '../http/origin.js';
import { Limits } from '../limits/limits.service.js';
import { Outbox } from '../mail/outbox.service.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import type { Caller } from '../tokens/caller.js';
import { TokensService } from '../tokens/tokens.service.js';
import { UsersRepository } from '../users/users.repository.js';
import { emailNotVerified, wrongCredentials } from './auth-errors.js';
import type { LoginDto, TokenDto } from './dto/auth.dto.js';

/** Longer than a commit to disk takes. */
const MIN_MAIL_REQUEST_MS = 100;

@Injectable()
export class AuthService {
  constructor(
    private readonly settings: Settings,
    private readonly unitOfWork: UnitOfWork,
    private readonly users: UsersRepository,
    private readonly hasher: PasswordHasher,
    private readonly tokens: TokensService,
    private readonly outbox: Outbox,
    private readonly limits: Limits,
    private readonly audit: Audit,
  ) {}

  /** @throws ParleyError (email_not_verified), (wrong_credentials) with the same message and after the same time for an unknown user. */
  async login({ username, password }: LoginDto, origin: Origin): Promise<TokenDto> {
    const account = { limit: 'login', subject: `${fold(username)} ${origin.network}` } as const;
    const address = { limit: 'login-address', subject: origin.network } as const;
    const user = await this.limits.guess([account, address], origin, async () => {
      const found = await this.users.findCredentials(username);
      const matches = await this.hasher.verify(found?.passwordHash, password);
      if (!matches) this.audit.record('login_failed', origin, { userId: found?.id });
      return matches ? found : undefined;
    });
    if (!user) throw wrongCredentials();
    await this.limits.forgive(account);
    if (this.settings.requireVerifiedEmail && !user.verified) {
      this.audit.record('login_failed', origin, { userId: user.id });
      throw emailNotVerified();
    }
    // Logins are not batched, because a user who is being erased would delay the others.
    const token = await this.unitOfWork.run(async (tx) => {
      await this.users.lockUserShared(tx, user.id, wrongCredentials);
      return this.tokens.issue(tx, 'authentication', user.id);
    });
    this.audit.record('login', origin, { userId: user.id });
    return { token };
  }

  async logout(caller: Caller, origin: Origin): Promise<void> {
    await this.unitOfWork.run((tx) => this.tokens.consume(tx, caller));
    this.audit.record('logout', origin, { userId: caller.userId });
  }

  /** Mails a reset token. Neither the answer nor its delay tells whether the user exists. */
  async forgotPassword(username: string, origin: Origin): Promise<void> {
    await this.limits.count('mail-request', origin.network, origin);
    await Promise.all([this.mailResetToken(username), sleep(MIN_MAIL_REQUEST_MS)]);
  }

  private async mailResetToken(username: string): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const user = await this.users.findAndLockUser(tx, username);
      if (!user) return;
      await this.outbox.addRequested(tx, { userId: user.id, kind: 'reset-password', address: user.email });
    });
  }

  /** Mails another verification token to an unverified user. The answer tells nothing, as in {@link forgotPassword}. */
  async resendVerification(username: string, origin: Origin): Promise<void> {
    await this.limits.count('mail-request', origin.network, origin);
    await Promise.all([this.mailVerification(username), sleep(MIN_MAIL_REQUEST_MS)]);
  }

  private async mailVerification(username: string): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const user = await this.users.findAndLockUser(tx, username);
      if (!user || user.verified) return;
      await this.outbox.addRequested(tx, { userId: user.id, kind: 'verify-email', address: user.email });
    });
  }

  /** Sets a new password and revokes all reset tokens of the caller. Authentication tokens stay valid. */
  async resetPassword(caller: Caller, password: string, origin: Origin): Promise<void> {
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
    this.audit.record('password_changed', origin, { userId });
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
