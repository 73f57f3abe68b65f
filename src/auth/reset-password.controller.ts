import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AnswersHead } from '../http/head-routes.js';
import { Public } from '../tokens/caller.js';
import { findQueryToken } from '../tokens/token.strategies.js';
import { sendPage } from './pages/page.js';
import { incompleteResetPage, resetPasswordPage } from './pages/reset-password.page.js';

/**
 * Serves the page behind the link of a reset mail, which lies outside the API. The page itself sends the token to the
 * API, so that a program which checks the links of mails does not consume the token.
 */
@ApiExcludeController()
@Public()
@Controller('reset-password')
export class ResetPasswordController {
  @Get()
  @AnswersHead()
  show(@Req() request: FastifyRequest, @Res() reply: FastifyReply): FastifyReply {
    return findQueryToken(request) === null
      ? sendPage(reply, 400, incompleteResetPage)
      : sendPage(reply, 200, resetPasswordPage);
  }
}
