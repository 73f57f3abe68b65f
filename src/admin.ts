import type { Output } from './admin/run.js';
import { type Invocation, parseInvocation } from './admin/parse.js';
import { UsageError } from './admin/usage.js';
import { StartError } from './config/settings.js';
import { ParleyError } from './errors/errors.js';

// `npm run admin -- <command>` lets an operator look after users and chats, whether the server runs or not. It exits with 1 if
// the command fails, and with 2 if it is not understood.

async function run(invocation: Invocation): Promise<Output> {
  // Loading the server takes seconds, so help and refusals do without.
  const { runAdmin } = await import('./run-admin.js');
  return runAdmin(invocation);
}

// Only the server's user may read what a command writes.
process.umask(0o077);
try {
  const invocation = parseInvocation(process.argv.slice(2));
  const { text, hint = '' } = typeof invocation === 'string' ? { text: invocation } : await run(invocation);
  process.stdout.write(text);
  process.stderr.write(hint);
} catch (error) {
  const isClear = error instanceof UsageError || error instanceof ParleyError || error instanceof StartError;
  process.stderr.write(`${isClear ? error.message : (error as Error).stack}\n`);
  // Services that could not start leave connections open, which would keep the process.
  process.exit(error instanceof UsageError ? 2 : 1);
}
