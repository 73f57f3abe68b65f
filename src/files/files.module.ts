import { Module } from '@nestjs/common';
import { Settings } from '../config/settings.js';
import { MembershipModule } from '../membership/membership.module.js';
import { FileSweeper } from './file.sweeper.js';
import { FilesController } from './files.controller.js';
import { FilesRepository } from './files.repository.js';
import { FilesService } from './files.service.js';
import { DiskStorage } from './storage/disk.storage.js';
import { Storage } from './storage/storage.js';

@Module({
  imports: [MembershipModule],
  controllers: [FilesController],
  providers: [
    FilesService,
    FilesRepository,
    FileSweeper,
    {
      provide: Storage,
      inject: [Settings],
      useFactory: async ({ storage }: Settings): Promise<Storage> => {
        if (storage.kind === 'disk') return DiskStorage.open(storage.folder);
        // Loaded only when it is used, because the AWS client takes much memory.
        const { S3Storage } = await import('./storage/s3.storage.js');
        return new S3Storage(storage);
      },
    },
  ],
  exports: [FilesService, FilesRepository, Storage],
})
export class FilesModule {}
