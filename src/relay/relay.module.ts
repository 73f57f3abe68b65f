import { Module } from '@nestjs/common';
import { Relay } from './relay.service.js';

@Module({ providers: [Relay], exports: [Relay] })
export class RelayModule {}
