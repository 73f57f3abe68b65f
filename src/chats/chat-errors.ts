import { ParleyError } from '../errors/errors.js';

export const alreadyAMember = (username: string) =>
  new ParleyError('already_a_member', `user '${username}' is already part of specified chat`);

export const notInChat = (username: string) =>
  new ParleyError('not_in_chat', `user '${username}' is not part of specified chat`);

export const mayNotRemoveOthers = () => new ParleyError('not_allowed', 'not allowed to remove other users');

export const mayNotDeleteChat = () => new ParleyError('not_allowed', 'not allowed to delete specified chat');
