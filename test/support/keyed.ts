import type { Answer, Json } from './parley.js';

/** The options of a request under a key. */
export const under = (key: string) => ({ headers: { 'idempotency-key': key } });

export const isReplayed = ({ headers }: Answer) => headers.get('idempotency-replayed') === 'true';

/** Returns the parts of an answer that tests of repeats compare. `text` is the body byte for byte. */
export const seen = (answer: Answer) => ({
  status: answer.status,
  replayed: answer.headers.get('idempotency-replayed'),
  text: answer.text,
});

/** Returns what a repeat must see of a first answer. */
export const replayOf = ({ text }: Answer) => ({ status: 200, replayed: 'true', text });

export const CONFLICT: Json = { status: 422, code: 'idempotency_conflict' };

export const errorOf = ({ status, body }: Answer) => ({ status, code: body.code });
