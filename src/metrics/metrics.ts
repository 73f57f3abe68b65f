import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** A send takes some milliseconds, and a poll waits for up to 30 s. */
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Without Redis, events of other instances come some seconds late. */
const DELAY_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128];

/** Every metric, besides those of Node.js and the process. No label holds an id, a name or an address. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();
  private readonly registers = [this.registry];

  readonly requestSeconds = new Histogram({
    name: 'parley_http_request_duration_seconds',
    help: 'Time until a request is answered. Streams of events are not counted.',
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_SECONDS,
    registers: this.registers,
  });
  readonly sends = new Counter({
    name: 'parley_sends_total',
    help: 'Messages that are committed.',
    registers: this.registers,
  });
  readonly batchSizes = new Histogram({
    name: 'parley_send_batch_size',
    help: 'Messages of one commit.',
    buckets: BATCH_SIZES,
    registers: this.registers,
  });
  readonly commits = new Counter({
    name: 'parley_commits_total',
    help: 'Units of work that are committed.',
    registers: this.registers,
  });
  readonly retries = new Counter({
    name: 'parley_retries_total',
    help: 'Units of work that ran again, after a deadlock for instance.',
    registers: this.registers,
  });
  readonly streams = new Gauge({
    name: 'parley_streams',
    help: 'Clients that follow their chats now. Transports: sse, websocket, poll.',
    labelNames: ['transport'],
    registers: this.registers,
  });
  readonly delivered = new Counter({
    name: 'parley_events_delivered_total',
    help: 'Events handed to clients as they happened, counted once for each client.',
    registers: this.registers,
  });
  readonly replayed = new Counter({
    name: 'parley_events_replayed_total',
    help: 'Events replayed to clients that came back.',
    registers: this.registers,
  });
  readonly deliverySeconds = new Histogram({
    name: 'parley_delivery_delay_seconds',
    help: 'Time from the change of a chat, which is shortly before its commit, until its event is handed to all clients.',
    buckets: DELAY_SECONDS,
    registers: this.registers,
  });
  readonly slowClients = new Counter({
    name: 'parley_slow_clients_total',
    help: 'Streams that were cut off because their clients read too slowly.',
    registers: this.registers,
  });
  readonly outboxMails = new Gauge({
    name: 'parley_outbox_mails',
    help: 'Mails that wait, exact to 10,000. Missing while the database does not answer.',
    registers: this.registers,
  });
  readonly outboxSeconds = new Gauge({
    name: 'parley_outbox_oldest_seconds',
    help: 'Age of the oldest mail that waits, unless a limit postpones it. Missing while the database does not answer.',
    registers: this.registers,
  });
  readonly connections = new Gauge({
    name: 'parley_database_connections',
    help: 'Connections of the MySQL pool. States: in_use, idle.',
    labelNames: ['state'],
    registers: this.registers,
  });
  readonly databaseWaiting = new Gauge({
    name: 'parley_database_waiting',
    help: 'Requests that wait for a connection of the MySQL pool; units of work that wait for others on SQLite.',
    registers: this.registers,
  });
  readonly hashingWaiting = new Gauge({
    name: 'parley_hashing_waiting',
    help: 'Passwords that wait to be hashed.',
    registers: this.registers,
  });
  readonly refusals = new Counter({
    name: 'parley_limit_refusals_total',
    help: 'Calls that a limit refused, by the name of the limit.',
    labelNames: ['limit'],
    registers: this.registers,
  });
  readonly partUp = new Gauge({
    name: 'parley_part_up',
    help: 'Whether a part answered when it was last asked. Parts: database, storage, redis.',
    labelNames: ['part'],
    registers: this.registers,
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }
}
