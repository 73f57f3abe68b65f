import { pause } from './backoff.js';
import type { Emitter } from './emitter.js';
import { isUnauthorized, ParleyError, unreachable } from './errors.js';
import type { Http } from './http.js';
import { followPolls } from './transports/polls.js';
import { followSocket } from './transports/socket.js';
import { followSse } from './transports/sse.js';
import type { Transport } from './transports/transport.js';
import type { Signal } from './signal.js';
import type { EventOf, LiveEvent, Ready } from './types.js';

/** The best one first. */
const TRANSPORTS: Transport[] = [followSocket, followSse, followPolls];

/** A proxy may swallow a connection. A server that has restarted lets its clients in one after the other. */
const READY_MS = 15_000;

/** After this time on a transport that is not the best one, the better ones get another chance. */
const SECOND_BEST_MS = 3_600_000;

/**
 * `idle`: nothing is followed. `connecting`: the first attempt, or the one after `online`, is under way. `online`: events arrive.
 * `offline`: an attempt has failed, and attempts go on until `online`. `refused`: the token is no good; the user has to log in.
 */
export type ConnectionState = 'idle' | 'connecting' | 'online' | 'offline' | 'refused';

export type ClientEvents = { [T in LiveEvent['type']]: EventOf<T> } & {
  ready: Ready;
  connection: ConnectionState;
  /** Every event, and `ready`. */
  event: LiveEvent | Ready;
};

interface Outcome {
  wasReady: boolean;
  /** Whether the best transport is worth another try at once. */
  startsOver: boolean;
  error: unknown;
}

/** Follows the events of the session over whichever transport works, and resumes by the last id: nothing is missed. */
export class Follower {
  /** Where to resume. */
  lastId: string | undefined;
  state: ConnectionState = 'idle';
  private running: AbortController | undefined;

  constructor(
    private readonly http: Http,
    private readonly emitter: Emitter<ClientEvents>,
    private readonly networkChanged: Signal,
  ) {}

  start(): void {
    if (this.running) return;
    this.running = new AbortController();
    void this.run(this.running.signal);
  }

  /** Ends the connection at once. */
  stop(state: 'idle' | 'refused'): void {
    this.running?.abort();
    this.running = undefined;
    this.setState(state);
  }

  private setState(state: ConnectionState): void {
    if (state === this.state) return;
    this.state = state;
    this.emitter.emit('connection', state);
  }

  private async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    let at = 0;
    while (!signal.aborted) {
      const token = this.http.token ?? '';
      if (this.state !== 'offline') this.setState('connecting');
      const { wasReady, startsOver, error } = await this.attempt(at, token, signal);
      if (signal.aborted) return;
      if (isUnauthorized(error)) return this.http.reportUnauthorized(token, error);
      if (wasReady) failures = 0;
      if (startsOver) {
        at = 0;
        continue;
      }
      if (!wasReady && !isAnswer(error) && at < TRANSPORTS.length - 1) {
        at += 1;
        continue;
      }
      if (!wasReady) at = 0;
      this.setState('offline');
      await pause(failures, error, this.networkChanged, signal).catch(() => {});
      if (!wasReady) failures += 1;
    }
  }

  /** Resolves when the connection is over. */
  private async attempt(rank: number, token: string, stop: AbortSignal): Promise<Outcome> {
    const outcome: Outcome = { wasReady: false, startsOver: false, error: undefined };
    const link = new AbortController();
    const end = (reason: unknown) => link.abort(reason);
    const timer = setTimeout(() => end(unreachable('timeout')), READY_MS);
    const startOver = () => {
      outcome.startsOver = true;
      end(undefined);
    };
    const secondBest = rank > 0 ? setTimeout(startOver, SECOND_BEST_MS) : undefined;
    const stopWaking = this.networkChanged.on(startOver);
    const signal = AbortSignal.any([stop, link.signal]);
    try {
      await (TRANSPORTS[rank] ?? followSocket)({
        http: this.http,
        token,
        since: this.lastId,
        signal,
        onReady: (id, recovered) => {
          clearTimeout(timer);
          outcome.wasReady = true;
          this.lastId = id;
          this.setState('online');
          this.tell({ type: 'ready', id, recovered });
        },
        onEvent: (event) => {
          this.tell(event);
          if (event.type !== 'typing') this.lastId = event.id;
        },
        onPlace: (id) => {
          this.lastId = id;
        },
      });
    } catch (error) {
      outcome.error = error;
    } finally {
      clearTimeout(timer);
      clearTimeout(secondBest);
      stopWaking();
      end(undefined);
    }
    return outcome;
  }

  private tell(event: LiveEvent | Ready): void {
    this.emitter.emit(event.type, event);
    this.emitter.emit('event', event);
  }
}

/** Whether the server itself has answered, so that another transport would fare no better. */
const isAnswer = (error: unknown): boolean =>
  error instanceof ParleyError && (error.status === 429 || error.status >= 500);
