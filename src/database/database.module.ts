import { type DynamicModule, Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { closeDatabase } from './data-source.js';
import { READER, Reader, UnitOfWork } from './unit-of-work.js';

/** Provides {@link UnitOfWork} to write and {@link Reader} to read. */
@Global()
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(private readonly moduleRef: ModuleRef) {}

  /** Takes open connections, so that a database that fails is reported before Nest starts. */
  static forRoot(writer: DataSource, reader: DataSource): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [
        UnitOfWork,
        Reader,
        // Not from TypeOrmModule, because it would close the writer before the reader.
        { provide: getDataSourceToken(), useValue: writer },
        { provide: READER, useValue: reader },
      ],
      exports: [UnitOfWork, Reader],
    };
  }

  /** Runs when all requests are answered. */
  async onApplicationShutdown(): Promise<void> {
    await closeDatabase(this.moduleRef.get(getDataSourceToken()), this.moduleRef.get(READER));
  }
}
