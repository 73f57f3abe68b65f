import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Health } from '../health/health.service.js';
import { now, SECOND_US } from '../helpers/clock.js';
import { Limits } from '../limits/limits.service.js';
import { FanOut } from '../live/fan-out.js';
import { Polls } from '../live/polls.service.js';
import { Streams } from '../live/streams.service.js';
import { type Backlog, MailsRepository } from '../mail/mails.repository.js';
import { PasswordHasher } from '../passwords/password-hasher.js';
import { Metrics } from './metrics.js';

/** Several scrapers cost the database no more than one. Longer than a read may take, so that reads do not pile up. */
const BACKLOG_AGE_MS = 5_000;

const BACKLOG_TIMEOUT_MS = 1_000;

/** Fills the metrics with the numbers that the modules keep. */
@Injectable()
export class Scraper implements OnModuleInit {
  private backlog: Promise<Backlog | undefined> = Promise.resolve(undefined);
  private backlogReadAt = -Infinity;

  constructor(
    private readonly metrics: Metrics,
    private readonly unitOfWork: UnitOfWork,
    private readonly streams: Streams,
    private readonly polls: Polls,
    private readonly fanOut: FanOut,
    private readonly mails: MailsRepository,
    private readonly hasher: PasswordHasher,
    private readonly limits: Limits,
    private readonly health: Health,
  ) {}

  onModuleInit(): void {
    const { topics } = this.unitOfWork;
    const { sends, batchSizes, deliverySeconds } = this.metrics;
    topics.subscribe('messagesSent', (count) => {
      sends.inc(count);
      batchSizes.observe(count);
    });
    // The clock of another instance may be ahead.
    topics.subscribe('eventDelivered', (delayUs) =>
      deliverySeconds.observe(Math.max(0, delayUs) / SECOND_US),
    );
  }

  /** Returns all metrics in Prometheus' text format. */
  async scrape(): Promise<string> {
    this.readWork();
    this.readLive();
    await this.readOutbox();
    return this.metrics.registry.metrics();
  }

  private readWork(): void {
    const { metrics, unitOfWork, health } = this;
    const { connections, waiting } = unitOfWork.load();
    if (connections) {
      metrics.connections.set({ state: 'in_use' }, connections.inUse);
      metrics.connections.set({ state: 'idle' }, connections.idle);
    }
    metrics.databaseWaiting.set(waiting);
    setTotal(metrics.commits, unitOfWork.counts.commits);
    setTotal(metrics.retries, unitOfWork.counts.retries);
    metrics.hashingWaiting.set(this.hasher.waitingCount);
    metrics.refusals.reset();
    for (const [limit, count] of Object.entries(this.limits.refusals)) metrics.refusals.inc({ limit }, count);
    for (const [part, state] of Object.entries(health.getLastStates())) {
      metrics.partUp.set({ part }, state === 'up' ? 1 : 0);
    }
  }

  private readLive(): void {
    const { metrics, streams, polls, fanOut } = this;
    for (const [transport, count] of Object.entries(streams.countByTransport())) {
      metrics.streams.set({ transport }, count);
    }
    metrics.streams.set({ transport: 'poll' }, polls.count);
    setTotal(metrics.delivered, fanOut.delivered);
    setTotal(metrics.replayed, streams.replayed + polls.replayed);
    setTotal(metrics.slowClients, streams.slowClients);
  }

  private async readOutbox(): Promise<void> {
    if (performance.now() > this.backlogReadAt + BACKLOG_AGE_MS) {
      this.backlogReadAt = performance.now();
      this.backlog = this.mails.readBacklog().catch(() => undefined);
    }
    const backlog = await Promise.race([this.backlog, sleep(BACKLOG_TIMEOUT_MS, undefined, { ref: false })]);
    const { outboxMails, outboxSeconds } = this.metrics;
    outboxMails.remove();
    outboxSeconds.remove();
    if (!backlog) return;
    outboxMails.set(backlog.count);
    outboxSeconds.set(backlog.oldestAt === null ? 0 : Math.max(0, now() - backlog.oldestAt) / SECOND_US);
  }
}

function setTotal(counter: Counter, total: number): void {
  counter.reset();
  counter.inc(total);
}
