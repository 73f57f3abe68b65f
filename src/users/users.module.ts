import { Module } from '@nestjs/common';
import { MailModule } from '../mail/mail.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UserNames } from './user-names.js';
import { UserSearch } from './user-search.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

@Module({
  imports: [MailModule, TokensModule],
  controllers: [UsersController],
  providers: [UsersService, UserNames, UserSearch],
  exports: [UsersService, UserNames],
})
export class UsersModule {}
