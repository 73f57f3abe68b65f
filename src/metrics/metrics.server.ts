import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { hostInUrl } from '../config/environment.js';
import { Settings, StartError } from '../config/settings.js';
import { Metrics } from './metrics.js';
import { Scraper } from './scraper.js';

const PATH = '/metrics';

/** Serves the metrics on a port of their own, which the clients of the API cannot reach. */
@Injectable()
export class MetricsServer implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Metrics');
  private readonly server = createServer((request, response) => void this.answer(request, response));

  constructor(
    private readonly settings: Settings,
    private readonly metrics: Metrics,
    private readonly scraper: Scraper,
  ) {}

  /** With METRICS_PORT=0 the system chooses the port. */
  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://${hostInUrl(this.settings.metricsHost)}:${port}${PATH}`;
  }

  /** @throws StartError when the port is taken. */
  async onModuleInit(): Promise<void> {
    const { metricsHost: host, metricsPort } = this.settings;
    const port = metricsPort ?? 0;
    this.server.listen(port, host);
    await once(this.server, 'listening').catch((error: Error) => {
      throw new StartError(
        `Parley cannot start, it cannot serve metrics on ${host}:${port}: ${error.message}`,
      );
    });
    this.logger.log(`metrics are served at ${this.url}`);
  }

  /** The last requests of clients can still be seen. */
  onApplicationShutdown(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer({ url, method }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (url?.split('?')[0] !== PATH) return void response.writeHead(404).end();
    if (method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end();
    try {
      const text = await this.scraper.scrape();
      response.writeHead(200, { 'content-type': this.metrics.registry.contentType }).end(text);
    } catch (error) {
      this.logger.error((error as Error).stack);
      response.writeHead(500).end();
    }
  }
}
