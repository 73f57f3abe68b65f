import type { Answer, Json } from './parley.js';

/** The options of a request under a key. */
export const under = (key: string) => ({ headers: { 'idempotency-key': key } });

export const isReplayed = ({ headers }: Answer) => headers.get('idempotency-replayed') === 'true';

/** Includes the order of the fields. */
export const textOf = ({ body }: Answer) => JSON.stringify(body);

/** Returns the parts of an answer that tests of repeats compare. */
export const seen = (answer: Answer) => ({
  status: answer.status,
  replayed: answer.headers.get('idempotency-replayed'),
  text: textOf(answer),
});

/** Returns what a repeat must see of a first answer. */
export const replayOf = (answer: Answer) => ({ status: 200, replayed: 'true', text: textOf(answer) });

export const CONFLICT: Json = { status: 422, code: 'idempotency_conflict' };

export const errorOf = ({ status, body }: Answer) => ({ status, code: body.code });
