import { Module } from '@nestjs/common';
import { MailModule } from '../mail/mail.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UserNamesRepository } from './user-names.repository.js';
import { UserSearchRepository } from './user-search.repository.js';
import { UsersController } from './users.controller.js';
import { UsersRepository } from './users.repository.js';
import { UsersService } from './users.service.js';

@Module({
  imports: [MailModule, TokensModule],
  controllers: [UsersController],
  providers: [UsersService, UsersRepository, UserNamesRepository, UserSearchRepository],
  exports: [UsersService, UsersRepository, UserNamesRepository],
})
export class UsersModule {}
