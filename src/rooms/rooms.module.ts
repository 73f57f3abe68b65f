import { Module } from '@nestjs/common';
import { ChatsModule } from '../chats/chats.module.js';
import { registerDialect } from '../http/dialects.js';
import { MembershipModule } from '../membership/membership.module.js';
import { MessagesModule } from '../messages/messages.module.js';
import { UsersModule } from '../users/users.module.js';
import { RoomsController } from './rooms.controller.js';
import { roomsDialect } from './rooms.dialect.js';
import { RoomsRepository } from './rooms.repository.js';
import { RoomsService } from './rooms.service.js';

registerDialect(roomsDialect);

@Module({
  imports: [ChatsModule, MembershipModule, MessagesModule, UsersModule],
  controllers: [RoomsController],
  providers: [RoomsService, RoomsRepository],
})
export class RoomsModule {}
