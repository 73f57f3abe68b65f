import { StartError } from '../config/settings.js';
import { isDatabaseError } from './snapshot.repository.js';

/** Runs a command of the operator and prints its report. A failure ends the process with code 1. */
export async function runCommand(command: () => Promise<string>): Promise<void> {
  // Only the operator may read what the command writes: it holds secrets.
  process.umask(0o077);
  try {
    process.stdout.write(await command());
  } catch (error) {
    process.stderr.write(`${explain(error as Error)}\n`);
    process.exit(1);
  }
}

/** Returns one line for what an operator can change, and the stack of anything else. */
function explain(error: Error): string {
  if (isDatabaseError(error)) return `The database cannot be read: ${error.message}`;
  // Errors of system calls, for instance EACCES, name the call and the path.
  const isClear = error instanceof StartError || 'syscall' in error;
  return isClear ? error.message : String(error.stack);
}
