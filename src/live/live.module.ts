import { Module } from '@nestjs/common';
import { ChatsModule } from '../chats/chats.module.js';
import { MembershipModule } from '../membership/membership.module.js';
import { MessagesModule } from '../messages/messages.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UsersModule } from '../users/users.module.js';
import { EventLoader } from './event-loader.js';
import { EventsController } from './events.controller.js';
import { FanOut } from './fan-out.js';
import { Feed } from './feed.js';
import { HistoryRepository } from './history.repository.js';
import { LiveGateway } from './live.gateway.js';
import { Polls } from './polls.service.js';
import { Replays } from './replay.js';
import { SocketsController } from './sockets.controller.js';
import { Streams } from './streams.service.js';
import { Typing } from './typing.service.js';

@Module({
  imports: [TokensModule, UsersModule, MembershipModule, MessagesModule, ChatsModule],
  controllers: [EventsController, SocketsController],
  providers: [HistoryRepository, EventLoader, Replays, FanOut, Feed, Streams, Polls, Typing, LiveGateway],
  exports: [FanOut, Streams, Polls],
})
export class LiveModule {}
