import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import type { Settings } from './config/settings.js';
import { openDatabase } from './database/data-source.js';
import { createAdapter } from './http/adapter.js';
import { serveDocument } from './http/document.js';
import { ErrorFilter } from './http/error.filter.js';
import { InputPipe } from './http/input.pipe.js';
import { SocketAdapter } from './live/socket.adapter.js';
import { createLogger, NestLogger } from './logging.js';
import { servePage } from './web/serve-page.js';

/** Loads `prom-client` only for servers that have metrics. */
async function loadMetrics({ metricsPort }: Settings): Promise<Type[]> {
  return metricsPort === null ? [] : [(await import('./metrics/metrics.module.js')).MetricsModule];
}

/** @throws StartError when the database cannot be used. */
export async function createApp(settings: Settings): Promise<NestFastifyApplication> {
  const logger = createLogger(settings);
  const { writer, reader, warnings } = await openDatabase(settings);
  for (const warning of warnings) logger.warn(warning);

  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(settings, writer, reader, await loadMetrics(settings)),
    createAdapter(settings, logger),
    { logger: new NestLogger(logger), bodyParser: false, abortOnError: false },
  );
  // The page to choose a new password is not part of the API.
  app.setGlobalPrefix('api', { exclude: ['reset-password'] });
  app.useGlobalPipes(new InputPipe());
  app.useGlobalFilters(new ErrorFilter());
  app.enableShutdownHooks([], { useProcessExit: true });
  app.useWebSocketAdapter(new SocketAdapter(app));
  serveDocument(app);
  if (settings.web) await servePage(app, settings);
  return app;
}
