import { Module } from '@nestjs/common';
import { IdempotencySweeper } from './idempotency.sweeper.js';

@Module({ providers: [IdempotencySweeper] })
export class IdempotencyModule {}
