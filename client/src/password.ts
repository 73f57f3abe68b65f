import { sha256 } from 'js-sha256';

/** Returns what the server knows of a password. `crypto.subtle` would be missing on pages that came over plain HTTP. */
export function hashPassword(password: string): string {
  return sha256(new TextEncoder().encode(password));
}
