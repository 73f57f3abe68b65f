import { Module, type OnModuleInit } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { Removals } from '../removals/removals.service.js';
import { Scheduler } from '../scheduling/scheduler.js';
import { AuthenticationStrategy, ResetPasswordStrategy, VerifyEmailStrategy } from './token.strategies.js';
import { TokenGuard } from './token.guard.js';
import { TokenPrefetch } from './token-prefetch.js';
import { TokensRepository } from './tokens.repository.js';
import { TokensService } from './tokens.service.js';

const SWEEP_INTERVAL_MS = 3_600_000;

@Module({
  imports: [JwtModule.register({})],
  providers: [
    TokensService,
    TokensRepository,
    TokenPrefetch,
    AuthenticationStrategy,
    ResetPasswordStrategy,
    VerifyEmailStrategy,
    { provide: APP_GUARD, useClass: TokenGuard },
  ],
  exports: [TokensService, TokenPrefetch],
})
export class TokensModule implements OnModuleInit {
  constructor(
    private readonly tokens: TokensService,
    private readonly scheduler: Scheduler,
    private readonly removals: Removals,
  ) {}

  onModuleInit(): void {
    this.removals.handlers.user.add((userId, signal) => this.tokens.deleteAllOf(userId, signal));
    this.scheduler.add({
      name: 'sweep of expired tokens',
      intervalMs: SWEEP_INTERVAL_MS,
      run: (signal) => this.tokens.deleteExpired(signal),
    });
    this.scheduler.add({
      name: 'sweep of old revocations',
      intervalMs: SWEEP_INTERVAL_MS,
      run: (signal) => this.tokens.deleteOldRevocations(signal),
    });
  }
}
