import { Body, Controller, Get, HttpCode, Post, Query, Req, Res, UseFilters } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiOperation, ApiQuery, ApiSecurity, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { success } from '../http/chat-dialect.js';
import { invalidInput } from '../errors/errors.js';
import { bodyTooLarge } from '../http/error-response.js';
import { ApiAnnouncedLimit } from '../http/answer-headers.js';
import { ApiErrors, ApiSuccess } from '../http/openapi.js';
import type { Origin } from '../http/origin.js';
import { malformedPassword } from '../http/validation.js';
import { limitExceeded } from '../limits/limit-errors.js';
import { type Caller, CallerParam, OriginParam, Public, RequiresToken } from '../tokens/caller.js';
import { TOKEN_ERRORS, tokenRevoked } from '../tokens/token-errors.js';
import { emailNotVerified, wrongCredentials } from './auth-errors.js';
import { AuthService } from './auth.service.js';
import {
  ForgotPasswordQuery,
  LoginDto,
  ResendVerificationDto,
  ResetPasswordDto,
  TokenDto,
} from './dto/auth.dto.js';
import { sendPage } from './pages/page.js';
import { verifiedPage, VerifyEmailPageFilter, wantsPage } from './pages/verify-email.page.js';

const EXAMPLE: TokenDto = { token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.signature' };

@ApiTags('authentication')
@Controller('auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @ApiOperation({
    summary: 'Logins in a user.',
    description: 'Generates an authentication token given a valid username and password.',
  })
  @Post('login')
  @RouteConfig({ takesTime: true })
  @HttpCode(200)
  @Public()
  @ApiSuccess('authentication token along with success status', TokenDto, EXAMPLE)
  @ApiErrors(
    malformedPassword(),
    wrongCredentials(),
    emailNotVerified(),
    bodyTooLarge(),
    limitExceeded('login'),
  )
  async login(@Body() dto: LoginDto, @OriginParam() origin: Origin) {
    return success(await this.auth.login(dto, origin));
  }

  @ApiOperation({ summary: 'Logs out a user.', description: 'Revokes the authentication token.' })
  @Get('logout')
  @ApiSecurity('ApiKey')
  @ApiSuccess('successfully revoked token')
  @ApiErrors(...TOKEN_ERRORS)
  async logout(@CallerParam() caller: Caller, @OriginParam() origin: Origin) {
    await this.auth.logout(caller, origin);
    return success();
  }

  @ApiOperation({
    summary: 'Request password reset.',
    description:
      'Sends an email with a token to authenticate the resetting of a password. The answer is the same for an unknown user.',
  })
  @Get('forgot-password')
  @Public()
  @ApiSuccess('successfully initiated flow')
  @ApiAnnouncedLimit()
  @ApiErrors(invalidInput('query parameter', 'username', 'must be present'), limitExceeded('mail-request'))
  async forgotPassword(@Query() query: ForgotPasswordQuery, @OriginParam() origin: Origin) {
    await this.auth.forgotPassword(query.username, origin);
    return success();
  }

  @ApiOperation({
    summary: 'Request another verification mail.',
    description:
      'Sends the mail again to a user whose email is not verified. The answer is the same for an unknown or verified user.',
  })
  @Post('resend-verification')
  @HttpCode(200)
  @Public()
  @ApiSuccess('successfully initiated flow')
  @ApiAnnouncedLimit()
  @ApiErrors(
    invalidInput('field', 'username', 'must be present'),
    bodyTooLarge(),
    limitExceeded('mail-request'),
  )
  async resendVerification(@Body() dto: ResendVerificationDto, @OriginParam() origin: Origin) {
    await this.auth.resendVerification(dto.username, origin);
    return success();
  }

  @ApiOperation({
    summary: "Reset a user's password.",
    description:
      'Completes the flow. Overwrites the current password of the user, but does not revoke any valid authentication tokens.',
  })
  @Post('reset-password')
  @RouteConfig({ takesTime: true })
  @HttpCode(200)
  @RequiresToken('reset-password')
  @ApiSecurity('ResetPasswordToken')
  @ApiSuccess('successfully reset password')
  @ApiErrors(...TOKEN_ERRORS, malformedPassword(), bodyTooLarge())
  async resetPassword(
    @CallerParam() caller: Caller,
    @Body() dto: ResetPasswordDto,
    @OriginParam() origin: Origin,
  ) {
    await this.auth.resetPassword(caller, dto.password, origin);
    return success();
  }

  @ApiOperation({
    summary: "Verify a user's email.",
    description:
      'Marks the user as verified after verifying the token sent in the email. A browser (`Accept: text/html`) gets a page, in case of an error too; any other client gets JSON.',
  })
  @Get('verify-email')
  @RequiresToken('verify-email')
  @UseFilters(VerifyEmailPageFilter)
  @ApiSecurity('EmailVerificationToken')
  @ApiSuccess('successfully verified email', undefined, undefined, {
    others: { 'text/html': { example: '<!doctype html>…' } },
  })
  @ApiQuery({
    name: 'token',
    description: 'The token from the mail.',
    schema: { type: 'string', example: EXAMPLE.token },
  })
  @ApiErrors(
    invalidInput('query parameter', 'token', 'must be present'),
    tokenRevoked(),
    limitExceeded('anonymous'),
  )
  async verifyEmail(
    @CallerParam() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    await this.auth.verifyEmail(caller);
    if (!wantsPage(request)) return reply.send(success());
    return sendPage(reply, 200, verifiedPage);
  }
}
