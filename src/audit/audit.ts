import { Injectable } from '@nestjs/common';
import { pino } from 'pino';
import { Settings } from '../config/settings.js';
import type { Origin } from '../http/origin.js';

export type AuditEvent =
  | 'login'
  | 'login_failed'
  | 'logout'
  | 'user_registered'
  | 'user_deleted'
  | 'password_changed'
  | 'email_changed'
  | 'password_reset_requested'
  | 'message_deleted'
  | 'chat_deleted'
  | 'rate_limited';

/**
 * The security log: who did what, from where. It is written at every LOG_LEVEL but `silent`, and never holds a password, a
 * token, an address of mail or a message.
 */
@Injectable()
export class Audit {
  private readonly logger;

  constructor({ logLevel }: Settings) {
    const options = { base: { audit: true }, enabled: logLevel !== 'silent' };
    this.logger = pino(options, pino.destination({ dest: 2, sync: true }));
  }

  record(
    event: AuditEvent,
    { address, requestId }: Origin,
    details: { userId?: number; [key: string]: unknown },
  ): void {
    this.logger.info({ event, ...details, address, requestId }, 'audit');
  }
}
