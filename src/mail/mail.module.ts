import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { MailerModule } from '@nestjs-modules/mailer';
import { Settings } from '../config/settings.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { emlFileTransport } from './eml-file.transport.js';
import { MailSender } from './mail.sender.js';
import { MailWorker } from './mail.worker.js';
import { Outbox } from './outbox.service.js';

/** How long a mail server may be silent, in milliseconds; all of it is shorter than a worker's lease. */
const PATIENCE = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 };

/** Mails: the outbox that other modules write to, and the worker that empties it. */
@Module({
  imports: [
    TokensModule,
    MailerModule.forRootAsync({
      imports: [],
      inject: [Settings],
      useFactory: ({ smtpUrl, dataDir }: Settings) => ({
        transport: smtpUrl ? { url: smtpUrl, ...PATIENCE } : emlFileTransport(join(dataDir, 'mail')),
      }),
    }),
  ],
  providers: [Outbox, MailSender, MailWorker],
  exports: [Outbox],
})
export class MailModule {}
