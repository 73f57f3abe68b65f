import { constants } from 'node:os';
import { join } from 'node:path';
import { loadSettings, type Settings, StartError } from './config/settings.js';
import { createApp } from './create-app.js';
import { databaseLabel } from './database/data-source.js';

/** Ctrl-C reaches the process from the terminal and from npm: signals count as one when they come together. */
const SAME_SIGNAL_MS = 1_000;

async function start(): Promise<void> {
  const settings = loadSettings();
  const app = await createApp(settings);
  await app.init();
  exitOnSecondSignal();
  // Fastify's `listen`, because Nest's would also log the failure.
  const fastify = app.getHttpAdapter().getInstance();
  const { port, host } = settings;
  const address = await fastify.listen({ port, host }).catch((error: Error) => {
    throw new StartError(`Parley cannot start, it cannot listen on ${host}:${port}: ${error.message}`);
  });
  // With PORT=0 the system chooses the port, which links must contain.
  settings.publicUrl = settings.publicUrl.replace(/:0$/, `:${new URL(address).port}`);
  process.stdout.write(greeting(settings, address));
}

/** The first signal is Nest's, which shuts down. */
function exitOnSecondSignal(): void {
  let firstAt: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      firstAt ??= performance.now();
      if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(128 + constants.signals[signal]);
    });
  }
}

function greeting(settings: Settings, address: string): string {
  return [
    `Parley listens on ${address}`,
    `  API docs  ${settings.publicUrl}/api/docs`,
    `  database  ${databaseLabel(settings.database)}`,
    `  mails to  ${settings.smtpUrl ? new URL(settings.smtpUrl).host : join(settings.dataDir, 'mail')}`,
    '',
  ].join('\n');
}

// Only the server's user may read what it writes: the database holds password hashes and messages.
process.umask(0o077);
try {
  await start();
} catch (error) {
  process.stderr.write(`${error instanceof StartError ? error.message : (error as Error).stack}\n`);
  process.exit(1);
}
