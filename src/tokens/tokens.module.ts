import { Logger, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { AuthenticationStrategy, ResetPasswordStrategy, VerifyEmailStrategy } from './token.strategies.js';
import { TokenGuard } from './token.guard.js';
import { TokensService } from './tokens.service.js';

const SWEEP_INTERVAL_MS = 3_600_000;

/** Who is calling: tokens, the strategies that read them, and the guard in front of every route. */
@Module({
  imports: [JwtModule.register({})],
  providers: [
    TokensService,
    AuthenticationStrategy,
    ResetPasswordStrategy,
    VerifyEmailStrategy,
    { provide: APP_GUARD, useClass: TokenGuard },
  ],
  exports: [TokensService],
})
export class TokensModule implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Tokens');
  private timer?: NodeJS.Timeout;

  constructor(private readonly tokens: TokensService) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.sweep(), SWEEP_INTERVAL_MS).unref();
    void this.sweep();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async sweep(): Promise<void> {
    await this.tokens
      .sweepExpired()
      .catch((error: Error) => this.logger.warn(`sweep failed: ${error.message}`));
  }
}
