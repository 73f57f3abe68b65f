import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { MembershipModule } from '../membership/membership.module.js';
import { MessageAssembler } from './message-assembler.js';
import { MessageWriter } from './message-writer.js';
import { MessagesController } from './messages.controller.js';
import { MessagesRepository } from './messages.repository.js';
import { MessagesService } from './messages.service.js';
import { SenderBlocks } from './sender-blocks.js';
import { UsersModule } from '../users/users.module.js';

@Module({
  imports: [FilesModule, MembershipModule, UsersModule],
  controllers: [MessagesController],
  providers: [MessagesService, MessagesRepository, MessageAssembler, MessageWriter, SenderBlocks],
  exports: [MessagesService, MessagesRepository, MessageWriter, MessageAssembler],
})
export class MessagesModule {}
