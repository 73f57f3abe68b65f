import { tokenRefused } from '../errors.js';
import { catchNetworkErrors } from '../http.js';
import type { LiveEvent, StreamClosed, StreamReady } from '../types.js';
import { SilenceWatch } from './silence-watch.js';
import type { Link, Transport } from './transport.js';

/** The server sends a comment every 25 s. */
const QUIET_MS = 40_000;

/** Reads server-sent events by `fetch`, because `EventSource` sends no header with the token. */
export const followSse: Transport = async (link) => {
  const dead = new AbortController();
  const signal = AbortSignal.any([link.signal, dead.signal]);
  const headers = { accept: 'text/event-stream', ...(link.since && { 'last-event-id': link.since }) };
  const { body } = await link.http.fetch('/api/events', { headers, signal });
  if (!body) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const watch = new SilenceWatch({ quietMs: QUIET_MS, ask: () => {}, onSilent: () => dead.abort() });
  try {
    let received = '';
    for (;;) {
      const chunk = await catchNetworkErrors(reader.read(), signal);
      if (chunk.done) return;
      watch.heard();
      const blocks = (received + chunk.value).split('\n\n');
      received = blocks.pop() ?? '';
      for (const block of blocks) take(block, link);
    }
  } finally {
    watch.stop();
    dead.abort();
    reader.cancel().catch(() => {});
  }
};

function take(block: string, link: Link): void {
  const fields = new Map(block.split('\n').map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
  const data = fields.get('data');
  if (data === undefined || link.signal.aborted) return;
  const type = fields.get('event');
  if (type === 'ready') link.onReady(fields.get('id') ?? '', (JSON.parse(data) as StreamReady).recovered);
  else if (type !== 'closed') link.onEvent(JSON.parse(data) as LiveEvent);
  else if ((JSON.parse(data) as StreamClosed).code === 'token_invalid') throw tokenRefused();
}
