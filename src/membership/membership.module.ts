import { Module, type OnModuleInit } from '@nestjs/common';
import { TokenPrefetch } from '../tokens/token-prefetch.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { prefetchMembership } from './member.guard.js';
import { MembershipRepository } from './membership.repository.js';
import { Membership } from './membership.service.js';

@Module({ imports: [TokensModule], providers: [Membership, MembershipRepository], exports: [Membership] })
export class MembershipModule implements OnModuleInit {
  constructor(
    private readonly tokenPrefetch: TokenPrefetch,
    private readonly repository: MembershipRepository,
  ) {}

  onModuleInit(): void {
    this.tokenPrefetch.add((request, userId) => prefetchMembership(this.repository, request, userId));
  }
}
