import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { MailerModule } from '@nestjs-modules/mailer';
import { HandlebarsAdapter } from '@nestjs-modules/mailer/adapters/handlebars.adapter';
import { Settings } from '../config/settings.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { emlFileTransport } from './eml-file.transport.js';
import { MailSender, TEMPLATES } from './mail.sender.js';
import { MailWorker } from './mail.worker.js';
import { Outbox } from './outbox.service.js';

/** Mails: the outbox that other modules write to, and the worker that empties it. */
@Module({
  imports: [
    TokensModule,
    MailerModule.forRootAsync({
      imports: [],
      inject: [Settings],
      useFactory: (settings: Settings) => ({
        transport: settings.smtpUrl ?? emlFileTransport(join(settings.dataDir, 'mail')),
        template: { dir: TEMPLATES, adapter: new HandlebarsAdapter(), options: { strict: true } },
        options: { layout: 'layout' },
      }),
    }),
  ],
  providers: [Outbox, MailSender, MailWorker],
  exports: [Outbox],
})
export class MailModule {}
