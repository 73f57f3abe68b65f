import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { forbidden, unauthenticated } from '../errors/errors.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { fold } from '../helpers/text.js';
import { Settings } from '../config/settings.js';
import { Batcher } from '../database/batcher.js';
import { isMissingReference } from '../database/driver-errors.js';
import { Reader, UnitOfWork } from '../database/unit-of-work.js';
import { Outbox } from '../mail/outbox.service.js';
import type { Caller } from '../tokens/caller.js';
import { TokensService } from '../tokens/tokens.service.js';
import type { LoginDto, TokenDto } from './dto/auth.dto.js';

/** How soon "forgot password" answers, in milliseconds: longer than a commit to disk takes. */
const FORGOT_PASSWORD_TIME = 100;

const wrongCredentials = () => unauthenticated('invalid username or password');

@Injectable()
export class AuthService {
  private readonly users: Batcher<string, User | undefined>;

  constructor(
    private readonly settings: Settings,
    private readonly unitOfWork: UnitOfWork,
    reader: Reader,
    private readonly hasher: PasswordHasher,
    private readonly tokens: TokensService,
    private readonly outbox: Outbox,
  ) {
    this.users = new Batcher((keys) =>
      reader.queryEach(USERS, keys, ({ username_key }: User) => username_key),
    );
  }

  /** @throws ParleyError (unauthenticated) in the same words and time for an unknown user. */
  async login({ username, password }: LoginDto): Promise<TokenDto> {
    const user = await this.users.add(fold(username));
    const matches = await this.hasher.verify(user?.password_hash, password);
    if (!user || !matches) throw wrongCredentials();
    if (this.settings.requireVerifiedEmail && !user.verified) throw forbidden('user email not verified');
    try {
      // By itself: who is just being erased keeps nobody else waiting.
      return {
        token: await this.unitOfWork.run(async (tx) => this.tokens.issue(tx, 'authentication', user.id)),
      };
    } catch (error) {
      // Erased while the password was checked.
      throw isMissingReference(error) ? wrongCredentials() : error;
    }
  }

  /** Ends the token that the caller came with, on every instance at once. */
  async logout(caller: Caller): Promise<void> {
    await this.unitOfWork.run((tx) => this.tokens.consume(tx, caller));
  }

  /**
   * Mails a reset token to the user, if there is one and they have not been sent too many. The caller cannot
   * tell, not from the time it takes either.
   */
  async forgotPassword(username: string): Promise<void> {
    await Promise.all([this.mailResetToken(username), sleep(FORGOT_PASSWORD_TIME)]);
  }

  private async mailResetToken(username: string): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const [user] = await tx.query<{ id: number; email: string }>(
        `SELECT id, email FROM users WHERE username_key = ?${tx.forUpdate}`,
        [fold(username)],
      );
      if (user) await this.outbox.add(tx, { userId: user.id, kind: 'reset-password', address: user.email });
    });
  }

  /**
   * Sets a new password, uses the reset token up, and with it the user's other ones, sent or about to be.
   * Authentication tokens stay valid: the reference says so.
   */
  async resetPassword(caller: Caller, password: string): Promise<void> {
    const { userId } = caller;
    const hash = await this.hasher.hash(password);
    await this.unitOfWork.run(async (tx) => {
      await this.tokens.consume(tx, caller);
      await tx.execute('UPDATE users SET password_hash = ? WHERE id = ?', [hash, userId]);
      await this.tokens.revokeAll(tx, 'reset-password', userId);
      await this.outbox.cancel(tx, userId, ['reset-password']);
      const [{ email }] = await tx.query<{ email: string }>('SELECT email FROM users WHERE id = ?', [userId]);
      await this.outbox.add(tx, { userId, kind: 'password-changed', address: email });
    });
  }

  /** Marks the caller's email as verified; the token, which was sent to it, is used up. */
  async verifyEmail(caller: Caller): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      await this.tokens.consume(tx, caller);
      await this.tokens.revokeAll(tx, 'verify-email', caller.userId);
      await tx.execute('UPDATE users SET verified = ? WHERE id = ?', [true, caller.userId]);
    });
  }
}

/** Who wants to log in, by folded usernames. */
const USERS = 'SELECT id, username_key, password_hash, verified FROM users WHERE username_key';

interface User {
  id: number;
  username_key: string;
  password_hash: string;
  verified: number;
}
