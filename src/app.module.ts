import { type DynamicModule, Module, type Type } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { AuditModule } from './audit/audit.module.js';
import { AuthModule } from './auth/auth.module.js';
import { ChatsModule } from './chats/chats.module.js';
import { PasswordsModule } from './passwords/passwords.module.js';
import { ConfigModule } from './config/config.module.js';
import type { Settings } from './config/settings.js';
import { DatabaseModule } from './database/database.module.js';
import { FilesModule } from './files/files.module.js';
import { HealthModule } from './health/health.module.js';
import { LimitsModule } from './limits/limits.module.js';
import { IdempotencyModule } from './idempotency/idempotency.module.js';
import { LiveModule } from './live/live.module.js';
import { MailModule } from './mail/mail.module.js';
import { MessagesModule } from './messages/messages.module.js';
import { RelayModule } from './relay/relay.module.js';
import { RemovalsModule } from './removals/removals.module.js';
import { RoomsModule } from './rooms/rooms.module.js';
import { SchedulingModule } from './scheduling/scheduling.module.js';
import { TokensModule } from './tokens/tokens.module.js';
import { UsersModule } from './users/users.module.js';

@Module({})
export class AppModule {
  static forRoot(
    settings: Settings,
    writer: DataSource,
    reader: DataSource,
    others: Type[] = [],
  ): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(settings),
        DatabaseModule.forRoot(writer, reader),
        PasswordsModule,
        SchedulingModule,
        RemovalsModule,
        AuditModule,
        LimitsModule,
        TokensModule,
        AuthModule,
        UsersModule,
        ChatsModule,
        MessagesModule,
        FilesModule,
        RoomsModule,
        MailModule,
        IdempotencyModule,
        LiveModule,
        RelayModule,
        HealthModule,
        ...others,
      ],
    };
  }
}
