import { StartError } from '../config/settings.js';

/** Runs a command of the operator and prints its report. A failure ends the process with code 1. */
export async function runCommand(command: () => Promise<string>): Promise<void> {
  // Only the operator may read what the command writes: it holds secrets.
  process.umask(0o077);
  try {
    process.stdout.write(await command());
  } catch (error) {
    process.stderr.write(`${error instanceof StartError ? error.message : (error as Error).stack}\n`);
    process.exit(1);
  }
}
