import { ParleyError } from '../errors/errors.js';
import { LIMITS, type LocalLimit, type SharedLimit } from './limits.js';

/** @param retryAfter in seconds */
export const limitExceeded = (limit: SharedLimit | LocalLimit, retryAfter = LIMITS[limit].seconds) =>
  new ParleyError('rate_limited', `too many ${LIMITS[limit].what}, try again later`, { retryAfter });
