import { Module } from '@nestjs/common';
import { ChatsModule } from '../chats/chats.module.js';
import { MembershipModule } from '../membership/membership.module.js';
import { MessagesModule } from '../messages/messages.module.js';
import { UsersModule } from '../users/users.module.js';
import { RoomAttempts } from './room-attempts.js';
import { RoomsController } from './rooms.controller.js';
import { RoomsRepository } from './rooms.repository.js';
import { RoomsService } from './rooms.service.js';

@Module({
  imports: [ChatsModule, MembershipModule, MessagesModule, UsersModule],
  controllers: [RoomsController],
  providers: [RoomsService, RoomsRepository, RoomAttempts],
})
export class RoomsModule {}
