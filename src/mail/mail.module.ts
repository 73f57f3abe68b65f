import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { MailerModule } from '@nestjs-modules/mailer';
import { Settings } from '../config/settings.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { emlFileTransport } from './eml-file.transport.js';
import { MailSender } from './mail.sender.js';
import { MailWorker, MAX_CONCURRENT_MAILS } from './mail.worker.js';
import { MailsRepository } from './mails.repository.js';
import { Outbox } from './outbox.service.js';

const SMTP = {
  pool: true,
  maxConnections: MAX_CONCURRENT_MAILS,
  idleTimeout: 10_000,
  // The outbox counts attempts. One requeue covers a pooled connection that closes as a mail begins.
  maxRequeues: 1,
  connectionTimeout: 30_000,
  greetingTimeout: 30_000,
  // RFC 5321 gives a server ten minutes to confirm a mail. Hanging up before would send the mail twice.
  socketTimeout: 600_000,
} as const;

@Module({
  imports: [
    TokensModule,
    MailerModule.forRootAsync({
      imports: [],
      inject: [Settings],
      useFactory: ({ smtpUrl, dataDir }: Settings) => ({
        transport: smtpUrl ? { url: smtpUrl, ...SMTP } : emlFileTransport(join(dataDir, 'mail')),
      }),
    }),
  ],
  providers: [Outbox, MailsRepository, MailSender, MailWorker],
  exports: [Outbox, MailsRepository],
})
export class MailModule {}
