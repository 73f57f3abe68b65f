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

/**
 * How mails reach a mail server; times in milliseconds. Connections are kept between the mails of a burst: greeting,
 * TLS and login take longer than a mail. An idle one ends before anybody on the way forgets it.
 *
 * Once the server has a mail, RFC 5321 gives it ten minutes for its answer: who hangs up before sends it twice.
 * The worker renews its lease meanwhile.
 */
const SMTP = {
  pool: true,
  maxConnections: MAX_CONCURRENT_MAILS,
  idleTimeout: 10_000,
  // Attempts are ours to count; but a kept connection may end just when the next mail begins.
  maxRequeues: 1,
  connectionTimeout: 60_000,
  greetingTimeout: 60_000,
  socketTimeout: 600_000,
} as const;

/** Mails: the outbox that other modules write to, and the worker that empties it. */
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
  exports: [Outbox],
})
export class MailModule {}
