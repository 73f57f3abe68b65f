import { type DynamicModule, Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
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
      imports: [
        TypeOrmModule.forRootAsync({
          useFactory: () => writer.options,
          dataSourceFactory: () => Promise.resolve(writer),
        }),
      ],
      providers: [UnitOfWork, Reader, { provide: READER, useValue: reader }],
      exports: [UnitOfWork, Reader],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    const reader = this.moduleRef.get<DataSource>(READER);
    if (reader.isInitialized) await reader.destroy();
  }
}
