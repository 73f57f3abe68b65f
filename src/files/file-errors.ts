import { ParleyError } from '../errors/errors.js';

export const fileNotFound = () => new ParleyError('file_not_found', 'specified file does not exist');

export const fileNotUploaded = () =>
  new ParleyError('file_not_uploaded', 'specified file has not been uploaded yet');

export const notTheUploader = () =>
  new ParleyError('not_allowed', 'not allowed to upload files of other users');

export const linkUsed = () => new ParleyError('link_used', 'upload link has already been used');
export const linkExpired = () => new ParleyError('link_expired', 'upload link has expired');
export const notAnImage = () => new ParleyError('not_an_image', 'uploaded file must be an image');

export const fileTooLarge = (maxSize: number) =>
  new ParleyError('too_large', `uploaded file must have at most ${maxSize} bytes`);

export const uploadInterrupted = () => new ParleyError('unavailable', 'upload was interrupted, try again');

export const noSuchRange = () => new ParleyError('range_not_satisfiable', 'file has no such range of bytes');

export const storageFull = () => new ParleyError('storage_full', 'there is no room left to store the file');

export const storageUnavailable = () =>
  new ParleyError('unavailable', 'the file storage is unavailable, try again later');
