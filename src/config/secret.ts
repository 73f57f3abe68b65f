import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const MIN_SECRET_LENGTH = 32;

/** The name of the generated secret in DATA_DIR. */
export const SECRET_FILE = 'jwt-secret';

/** Returns the secret of an installation without JWT_SECRET. The first start generates it. */
export function readOrGenerateSecret(dataDir: string): string {
  const file = join(dataDir, SECRET_FILE);
  if (!existsSync(file)) generateSecret(file);
  return readSecret(file);
}

export function readSecret(file: string): string {
  const secret = readFileSync(file, 'utf8').trim();
  if (secret.length >= MIN_SECRET_LENGTH) return secret;
  throw new Error(`${file} holds no secret of ${MIN_SECRET_LENGTH} characters`);
}

/** Writes the file atomically. Of two servers that start at once, the second keeps the secret of the first. */
function generateSecret(file: string): void {
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, randomBytes(48).toString('base64url'), { mode: 0o600 });
  try {
    linkSync(unfinished, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(unfinished);
  }
}
