import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Reader } from '../database/unit-of-work.js';
import { Storage } from '../files/storage/storage.js';
import { databaseUnavailable } from '../http/error-response.js';
import type { DrainingAdapter } from '../http/shutdown.js';
import { Relay } from '../relay/relay.service.js';
import type { HealthDto, PartState } from './dto/health.dto.js';
import { shuttingDown } from './health-errors.js';

const TIMEOUT_MS = 2_000;

/** A part of the server that is checked at most once at a time, however many ask. */
class Part {
  /** As of the last check. */
  state: PartState = 'up';
  private checking?: Promise<PartState>;

  constructor(private readonly ping: () => Promise<void>) {}

  async check(): Promise<PartState> {
    this.checking ??= this.ping()
      .then(
        () => 'up' as const,
        () => 'down' as const,
      )
      .finally(() => (this.checking = undefined));
    this.state = await Promise.race([this.checking, sleep(TIMEOUT_MS, 'down' as const, { ref: false })]);
    return this.state;
  }
}

@Injectable()
export class Health {
  private readonly database: Part;
  private readonly storage: Part;
  private readonly redis?: Part;

  constructor(
    private readonly host: HttpAdapterHost<DrainingAdapter>,
    reader: Reader,
    storage: Storage,
    relay: Relay,
  ) {
    this.database = new Part(() => reader.ping());
    this.storage = new Part(() => storage.ping());
    if (relay.isEnabled) this.redis = new Part(() => relay.ping());
  }

  /** Returns the states of the last check, and starts the next one, so that a part that hangs delays nothing. */
  getLastStates(): HealthDto {
    void this.check();
    return { database: this.database.state, storage: this.storage.state, redis: this.redis?.state };
  }

  /** @throws ParleyError (unavailable) when the server drains or its database does not answer. */
  async requireReady(): Promise<HealthDto> {
    if (this.host.httpAdapter.isDraining) throw shuttingDown();
    const states = await this.check();
    if (states.database === 'down') throw databaseUnavailable();
    return states;
  }

  private async check(): Promise<HealthDto> {
    const { database, storage, redis } = this;
    const states = await Promise.all([database.check(), storage.check(), redis?.check()]);
    return { database: states[0], storage: states[1], redis: states[2] };
  }
}
