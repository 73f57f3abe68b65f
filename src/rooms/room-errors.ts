import { HttpStatus } from '@nestjs/common';
import { ParleyError } from '../errors/errors.js';

export const MISSING_NAME_OR_TOKEN = 'missing room name or token';
export const INVALID_FIELDS = 'invalid fields received';
export const MISSING_FIELDS = 'missing fields';

export const tokenMissing = () =>
  new ParleyError('token_missing', MISSING_NAME_OR_TOKEN, { status: HttpStatus.BAD_REQUEST });

export const invalidFields = (field: string) => new ParleyError('invalid_field', INVALID_FIELDS, { field });

export const missingName = () => new ParleyError('invalid_field', MISSING_NAME_OR_TOKEN, { field: 'name' });

export const missingField = (field: string) => new ParleyError('invalid_field', MISSING_FIELDS, { field });

export const roomNotFound = () => new ParleyError('room_not_found', 'room not found');
export const notInRoom = () => new ParleyError('not_a_member', 'you are not in this room');
export const roomExists = () => new ParleyError('room_exists', 'room already exists');
export const passwordRequired = () => new ParleyError('password_required', 'password required');
export const wrongPassword = () => new ParleyError('wrong_password', 'wrong password');

/** Rewords the errors of a chat for its room. */
export async function inRoomWords<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ParleyError && error.code === 'not_a_member') throw notInRoom();
    if (error instanceof ParleyError && error.code === 'chat_not_found') throw roomNotFound();
    throw error;
  }
}
