import { Module, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { ChatsModule } from '../chats/chats.module.js';
import { MailModule } from '../mail/mail.module.js';
import { MailWorker } from '../mail/mail.worker.js';
import { MembershipModule } from '../membership/membership.module.js';
import { MessagesModule } from '../messages/messages.module.js';
import { Scheduler } from '../scheduling/scheduler.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UsersModule } from '../users/users.module.js';
import { AdminService } from './admin.service.js';

/** The root of the command: it imports all of the server, whose jobs it leaves to the server. */
@Module({
  imports: [UsersModule, TokensModule, MailModule, MembershipModule, MessagesModule, ChatsModule],
  providers: [AdminService],
})
export class AdminModule implements OnModuleInit {
  constructor(private readonly moduleRef: ModuleRef) {}

  /** Runs after all other modules have registered their jobs, and before the first job starts. */
  async onModuleInit(): Promise<void> {
    for (const worker of [Scheduler, MailWorker]) {
      await this.moduleRef.get(worker, { strict: false }).onModuleDestroy();
    }
  }
}
