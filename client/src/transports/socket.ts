import { loadWebSocket } from '#websocket';
import { ParleyError, tokenRefused, unreachable } from '../errors.js';
import type { ClientFrame, ServerFrame } from '../types.js';
import { SilenceWatch } from './silence-watch.js';
import type { Link, Transport } from './transport.js';

/** The server pings as often, which browsers do not show to pages. */
const PING_MS = 25_000;

const UNAUTHORIZED = 4401;
const TOO_MANY = 4429;

/** The server answers a call with as much when a user has too many streams. */
const TOO_MANY_RETRY_AFTER = 5;

export const followSocket: Transport = async (link) => {
  const WebSocket = await loadWebSocket();
  link.signal.throwIfAborted();
  const socket = new WebSocket(`${link.http.url.replace(/^http/, 'ws')}/api/ws`);
  const send = (frame: ClientFrame) => socket.send(JSON.stringify(frame));
  let watch: SilenceWatch | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      // A socket that is dead takes long to close, so nothing waits for it.
      const onSilent = () => reject(unreachable('timeout'));
      watch = new SilenceWatch({ quietMs: PING_MS, ask: () => send({ type: 'ping' }), onSilent });
      link.signal.addEventListener('abort', () => resolve(), { once: true });
      socket.addEventListener('open', () =>
        send({ type: 'hello', token: link.token, ...(link.since && { since: link.since }) }),
      );
      socket.addEventListener('message', ({ data }) => {
        watch?.heard();
        if (!link.signal.aborted) take(JSON.parse(data as string) as ServerFrame, link);
      });
      socket.addEventListener('error', () => reject(unreachable('WebSocket')));
      socket.addEventListener('close', ({ code }) => reject(reasonOf(code)));
    });
  } finally {
    watch?.stop();
    socket.close();
  }
};

function take(frame: ServerFrame, link: Link): void {
  if (frame.type === 'ready') link.onReady(frame.id, frame.recovered);
  else if (frame.type !== 'ack' && frame.type !== 'error' && frame.type !== 'pong') link.onEvent(frame);
}

function reasonOf(code: number): ParleyError {
  if (code === UNAUTHORIZED) return tokenRefused();
  if (code !== TOO_MANY) return unreachable(code);
  return new ParleyError('rate_limited', 'too many streams', {
    status: 429,
    retryAfter: TOO_MANY_RETRY_AFTER,
  });
}
