import { ParleyError } from '../errors/errors.js';

const MAX_NAMED_USERS = 3;

/** Names the first users of a list, because an error body has at most 4 KiB. */
export function userNotFound(...usernames: string[]): ParleyError {
  const names = usernames.slice(0, MAX_NAMED_USERS).map((name) => `'${name}'`);
  const others = usernames.length - names.length;
  const list = names.join(', ') + (others > 0 ? ` and ${others} more` : '');
  const reason = usernames.length === 1 ? `user ${list} does not exist` : `users ${list} do not exist`;
  return new ParleyError('user_not_found', reason);
}

export const notSelf = () => new ParleyError('not_allowed', 'not allowed to modify other users');

export const usernameTaken = () =>
  new ParleyError('username_taken', 'username is already taken', { field: 'username' });

export const emailTaken = () => new ParleyError('email_taken', 'email is already taken', { field: 'email' });

export const nothingToUpdate = () =>
  new ParleyError(
    'invalid_field',
    "at least one of the fields 'name', 'email' and 'password' must be present",
  );

export const registrationClosed = () => new ParleyError('registration_closed', 'registration is closed');
