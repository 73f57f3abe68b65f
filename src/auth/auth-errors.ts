import { ParleyError } from '../errors/errors.js';

export const wrongCredentials = () => new ParleyError('wrong_credentials', 'invalid username or password');
export const emailNotVerified = () => new ParleyError('email_not_verified', 'user email not verified');
