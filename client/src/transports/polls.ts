import type { Transport } from './transport.js';

/** Less than what a call may take. */
const WAIT_SECONDS = 20;

export const followPolls: Transport = async ({ http, since: lastId, signal, onReady, onEvent, onPlace }) => {
  let since = lastId;
  for (let isFirst = true; ; isFirst = false) {
    const query = { wait: isFirst ? 0 : WAIT_SECONDS, ...(since && { since }) };
    const { data } = await http.api.GET('/api/events', { params: { query }, signal });
    signal.throwIfAborted();
    const { id, events, recovered } = data.data;
    if (isFirst || !recovered) onReady(id, recovered);
    for (const event of events) onEvent(event);
    onPlace(id);
    since = id;
  }
};
