import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { MembershipModule } from '../membership/membership.module.js';
import { MessageWriter } from './message-writer.js';
import { MessagesController } from './messages.controller.js';
import { MessagesRepository } from './messages.repository.js';
import { MessagesService } from './messages.service.js';

@Module({
  imports: [FilesModule, MembershipModule],
  controllers: [MessagesController],
  providers: [MessagesService, MessagesRepository, MessageWriter],
  exports: [MessagesService, MessagesRepository],
})
export class MessagesModule {}
