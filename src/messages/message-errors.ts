import { ParleyError } from '../errors/errors.js';

export const messageNotFound = () => new ParleyError('message_not_found', 'specified message does not exist');

export const notTheSender = () =>
  new ParleyError('not_allowed', 'not allowed to modify messages of other users');

export const neitherSenderNorOwner = () =>
  new ParleyError('not_allowed', 'not allowed to delete messages of other users');
