import { Module } from '@nestjs/common';
import { MembershipRepository } from './membership.repository.js';
import { Membership } from './membership.service.js';

@Module({ providers: [Membership, MembershipRepository], exports: [Membership] })
export class MembershipModule {}
