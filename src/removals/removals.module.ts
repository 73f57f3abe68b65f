import { Global, Module } from '@nestjs/common';
import { Removals } from './removals.service.js';

@Global()
@Module({ providers: [Removals], exports: [Removals] })
export class RemovalsModule {}
