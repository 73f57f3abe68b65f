import { ParleyError } from '../errors/errors.js';

export const shuttingDown = () => new ParleyError('unavailable', 'the server is shutting down');
