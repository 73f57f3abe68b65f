import { ParleyError } from '../errors/errors.js';
import { malformedRequest } from '../http/error-response.js';

/** As of a request that Node refuses before its path is known. */
export const invalidHttp = () => malformedRequest('request is not valid HTTP');

export const shuttingDown = () => new ParleyError('unavailable', 'the server is shutting down');
