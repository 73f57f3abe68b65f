import { Module } from '@nestjs/common';
import { Membership } from './membership.service.js';

@Module({ providers: [Membership], exports: [Membership] })
export class MembershipModule {}
