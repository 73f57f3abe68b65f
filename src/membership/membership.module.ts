import { Module, type OnModuleInit } from '@nestjs/common';
import { ChangesModule } from '../changes/changes.module.js';
import { TokenPrefetch } from '../tokens/token-prefetch.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { DeletedChatsSweeper } from './deleted-chats.sweeper.js';
import { prefetchMembership } from './member.guard.js';
import { MembershipRepository } from './membership.repository.js';
import { Membership } from './membership.service.js';

@Module({
  imports: [TokensModule, ChangesModule],
  providers: [Membership, MembershipRepository, DeletedChatsSweeper],
  exports: [Membership],
})
export class MembershipModule implements OnModuleInit {
  constructor(
    private readonly tokenPrefetch: TokenPrefetch,
    private readonly repository: MembershipRepository,
  ) {}

  onModuleInit(): void {
    this.tokenPrefetch.add((request, userId) => prefetchMembership(this.repository, request, userId));
  }
}
