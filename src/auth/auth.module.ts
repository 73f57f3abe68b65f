import { Module } from '@nestjs/common';
import { MailModule } from '../mail/mail.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UsersModule } from '../users/users.module.js';
import { AuthController } from './auth.controller.js';
import { AuthService } from './auth.service.js';
import { ResetPasswordController } from './reset-password.controller.js';

@Module({
  imports: [MailModule, TokensModule, UsersModule],
  controllers: [AuthController, ResetPasswordController],
  providers: [AuthService],
})
export class AuthModule {}
