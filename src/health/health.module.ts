import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { HealthController } from './health.controller.js';
import { Health } from './health.service.js';

@Module({
  imports: [FilesModule],
  controllers: [HealthController],
  providers: [Health],
})
export class HealthModule {}
