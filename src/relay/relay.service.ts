import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Redis, RedisOptions } from 'ioredis';
import { Settings } from '../config/settings.js';
import { findEpoch } from '../database/epoch.js';
import { Reader, UnitOfWork } from '../database/unit-of-work.js';
import { decodeEnvelope, encodeEnvelope } from './envelope.js';

/** Messages that Redis has not confirmed. More are dropped, because Redis is only a hint. */
const MAX_PENDING = 1_000;

/** A connection on which Redis answers nothing for so long is closed. */
const TIMEOUT_MS = 5_000;
const CHECK_MS = 5_000;

const MAX_RETRY_DELAY_MS = 2_000;

const OPTIONS: RedisOptions = {
  lazyConnect: true,
  connectTimeout: TIMEOUT_MS,
  commandTimeout: TIMEOUT_MS,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  retryStrategy: (attempt) => Math.min(100 * attempt, MAX_RETRY_DELAY_MS) * (0.5 + Math.random() / 2),
};

/**
 * Publishes to other instances through Redis, and delivers their publications to the subscribers here. No request waits for
 * Redis or fails because of Redis. While Redis is away messages are lost, and the other instances find the changes by polling the
 * database.
 */
@Injectable()
export class Relay implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Relay');
  /** By which this instance recognises its own messages. */
  private readonly id = randomUUID();
  private publisher?: Redis;
  private subscriber?: Redis;
  private channel = '';
  private isSubscribed = false;
  private checking?: NodeJS.Timeout;
  private pending = 0;
  private isDown = false;

  constructor(
    private readonly settings: Settings,
    private readonly unitOfWork: UnitOfWork,
    private readonly reader: Reader,
  ) {}

  /** Whether REDIS_URL is set. */
  get isEnabled(): boolean {
    return this.settings.redisUrl !== null;
  }

  async onModuleInit(): Promise<void> {
    const { redisUrl } = this.settings;
    if (redisUrl === null) return;
    // Loaded only if needed: it takes 0.1 s and 20 MB.
    const { Redis: Client } = await import('ioredis');
    const [publisher, subscriber] = [new Client(redisUrl, OPTIONS), new Client(redisUrl, OPTIONS)];
    this.publisher = publisher;
    this.subscriber = subscriber;
    // Instances of several databases may share a Redis.
    this.channel = `parley:${await findEpoch(this.reader)}`;
    for (const connection of [publisher, subscriber]) {
      connection.on('error', (error) => this.noticeFailure(error));
      connection.on('ready', () => void this.check());
      connection.connect().catch((error: Error) => this.noticeFailure(error));
    }
    subscriber.on('close', () => (this.isSubscribed = false));
    subscriber.on('message', (_channel, text) => this.receive(text));
    this.unitOfWork.topics.forwardBy((topic, payload) => {
      const message = encodeEnvelope(this.id, topic, payload);
      if (message !== undefined) this.publish(message);
    });
    this.checking = setInterval(() => void this.check(), CHECK_MS).unref();
  }

  /** Runs when all requests are answered. */
  onApplicationShutdown(): void {
    clearInterval(this.checking);
    this.publisher?.disconnect();
    this.subscriber?.disconnect();
  }

  /**
   * Rejects unless messages can be sent and received. Publishes an empty message, which all instances ignore, because a user of
   * Redis may be allowed to PING but not to PUBLISH.
   */
  async ping(): Promise<void> {
    if (!this.isSubscribed) throw new Error('not subscribed');
    await Promise.all([this.publisher?.publish(this.channel, ''), this.subscriber?.ping()]);
  }

  /** Subscribes if need be, and closes connections on which Redis does not answer. */
  private async check(): Promise<void> {
    const { publisher, subscriber } = this;
    // Why a connection is not ready has been noticed.
    if (publisher?.status !== 'ready' || subscriber?.status !== 'ready') return;
    try {
      if (!this.isSubscribed) await subscriber.subscribe(this.channel);
      this.isSubscribed = true;
      await this.ping();
      this.noticeSuccess();
    } catch (error) {
      this.noticeFailure(error as Error);
      for (const connection of [publisher, subscriber]) {
        connection.ping().catch(() => {
          if (connection.status === 'ready') connection.disconnect(true);
        });
      }
    }
  }

  private publish(message: string): void {
    const { publisher } = this;
    if (publisher?.status !== 'ready' || this.pending >= MAX_PENDING) return;
    this.pending += 1;
    publisher
      .publish(this.channel, message)
      .catch((error: Error) => this.noticeFailure(error))
      .finally(() => (this.pending -= 1));
  }

  private receive(text: string): void {
    const message = decodeEnvelope(text, this.id);
    if (message) this.unitOfWork.topics.deliver(message.topic, message.payload);
  }

  /** Logs once for each outage. */
  private noticeFailure({ message }: Error): void {
    if (this.isDown) return;
    this.isDown = true;
    this.logger.warn(`Redis is away, events of other instances come late: ${message}`);
  }

  private noticeSuccess(): void {
    if (this.isDown) this.logger.log('Redis is back');
    this.isDown = false;
  }
}
