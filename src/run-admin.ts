import { NestFactory } from '@nestjs/core';
import { AdminModule } from './admin/admin.module.js';
import { AdminService } from './admin/admin.service.js';
import type { Invocation } from './admin/parse.js';
import { type Output, runInvocation } from './admin/run.js';
import { AppModule } from './app.module.js';
import { loadExistingSettings } from './config/settings.js';
import { openExistingDatabase } from './database/data-source.js';
import { createLogger, NestLogger } from './logging.js';

/**
 * Runs a command with the services of the server, but without its jobs, and returns what it prints. If it throws, connections
 * may stay open.
 */
export async function runAdmin(invocation: Invocation): Promise<Output> {
  const settings = loadExistingSettings();
  const logger = createLogger(settings);
  const { writer, reader } = await openExistingDatabase(settings);
  const root = { module: AdminModule, imports: [AppModule.forRoot(settings, writer, reader)] };
  const context = await NestFactory.createApplicationContext(root, {
    logger: new NestLogger(logger),
    abortOnError: false,
  });
  try {
    return await runInvocation(context.get(AdminService), invocation);
  } finally {
    await context.close();
  }
}
