import type { LoggerService } from '@nestjs/common';
import { type Logger, pino, stdSerializers } from 'pino';
import type { Settings } from './config/settings.js';

/** JSON lines on stderr. What a request carries is never logged: not its headers, query or body. */
export function createLogger(settings: Settings): Logger {
  return pino(
    {
      level: settings.logLevel,
      serializers: { err: describeError },
      redact: ['*.authorization', '*.password', '*.token', 'req.headers', 'req.url', 'busboyOptions'],
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** A failed query's error holds its parameters, digests and texts among them: only these four are safe. */
function describeError(error: unknown) {
  if (!(error instanceof Error)) return { type: typeof error };
  const { type, message, stack } = stdSerializers.err(error);
  const { code } = error as { code?: unknown };
  return { type, message, stack, code };
}

/** Nest's own words and those of its `Logger`, in the same log. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, context?: unknown): void {
    // What Nest tells of each module and route at each start.
    this.logger.debug({ context }, String(message));
  }

  warn(message: unknown, context?: unknown): void {
    this.logger.warn({ context }, String(message));
  }

  error(message: unknown, stack?: unknown, context?: unknown): void {
    this.logger.error({ stack, context }, String(message));
  }
}
