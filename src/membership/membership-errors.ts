import { invalidInput, ParleyError } from '../errors/errors.js';

export const chatNotFound = () => new ParleyError('chat_not_found', 'specified chat does not exist');
export const neverSent = () => invalidInput('field', 'index', 'must be the index of a message that was sent');

export const notAMember = () => new ParleyError('not_a_member', 'user is not part of specified chat');
