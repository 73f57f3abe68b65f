import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { RelayModule } from '../relay/relay.module.js';
import { HealthController } from './health.controller.js';
import { Health } from './health.service.js';

@Module({
  imports: [FilesModule, RelayModule],
  controllers: [HealthController],
  providers: [Health],
  exports: [Health],
})
export class HealthModule {}
