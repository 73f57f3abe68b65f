import { ParleyError } from '../errors/errors.js';

const RETRY_AFTER_SECONDS = 5;

export const tooManyStreams = () =>
  new ParleyError('rate_limited', 'too many streams of one user, close another one first', {
    retryAfter: RETRY_AFTER_SECONDS,
  });

export const serverRestarts = () => new ParleyError('unavailable', 'the server restarts, try again later');

export const foreignOrigin = () =>
  new ParleyError('not_allowed', 'pages of this origin must not open a WebSocket');
