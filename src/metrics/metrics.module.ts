import { Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { HealthModule } from '../health/health.module.js';
import { LiveModule } from '../live/live.module.js';
import { MailModule } from '../mail/mail.module.js';
import { Metrics } from './metrics.js';
import { MetricsServer } from './metrics.server.js';
import { Scraper } from './scraper.js';
import { timeRequests } from './time-requests.js';

/** Is part of the application only if METRICS_PORT is set. */
@Module({ imports: [HealthModule, LiveModule, MailModule], providers: [Metrics, Scraper, MetricsServer] })
export class MetricsModule {
  /** Runs before the routes are added, as a hook must. */
  constructor({ httpAdapter }: HttpAdapterHost<FastifyAdapter>, metrics: Metrics) {
    timeRequests(httpAdapter.getInstance(), metrics);
  }
}
