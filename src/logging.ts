import type { LoggerService } from '@nestjs/common';
import { type Logger, pino, stdSerializers } from 'pino';
import type { Settings } from './config/settings.js';

/** Creates the process's log: JSON lines on stderr, without headers, queries and bodies of requests. */
export function createLogger(settings: Settings): Logger {
  return pino(
    {
      level: settings.logLevel,
      serializers: { err: serializeError },
      redact: ['*.authorization', '*.password', '*.token', 'req.headers', 'req.url', 'busboyOptions'],
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** Keeps only safe properties: the error of a failed query also has its parameters, such as password digests. */
function serializeError(error: unknown) {
  if (!(error instanceof Error)) return { type: typeof error };
  const { type, message, stack } = stdSerializers.err(error);
  const { code } = error as { code?: unknown };
  return { type, message, stack, code };
}

export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  /** As debug, because Nest reports every module and route at each start. */
  log(message: unknown, context?: unknown): void {
    this.logger.debug({ context }, String(message));
  }

  warn(message: unknown, context?: unknown): void {
    this.logger.warn({ context }, String(message));
  }

  error(message: unknown, stack?: unknown, context?: unknown): void {
    this.logger.error({ stack, context }, String(message));
  }
}
