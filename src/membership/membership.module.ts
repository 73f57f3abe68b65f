import { Module, type OnModuleInit } from '@nestjs/common';
import { TokensModule } from '../tokens/tokens.module.js';
import { TokensService } from '../tokens/tokens.service.js';
import { readAhead } from './member.guard.js';
import { Membership } from './membership.service.js';

@Module({ imports: [TokensModule], providers: [Membership], exports: [Membership] })
export class MembershipModule implements OnModuleInit {
  constructor(
    private readonly tokens: TokensService,
    private readonly membership: Membership,
  ) {}

  onModuleInit(): void {
    this.tokens.whileChecking((request, userId) => readAhead(this.membership, request, userId));
  }
}
