import { Controller, Get, Head, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../tokens/caller.js';
import { queryToken } from '../tokens/token.strategies.js';
import { sendPage } from './pages/page.js';
import { incompleteResetPage, resetPasswordPage } from './pages/reset-password.page.js';

/**
 * The page behind the link of a reset mail, outside of the API. It looks at no token and no database: programs
 * that check the links of a mail use nothing up. Only the page's POST to the API does.
 */
@ApiExcludeController()
@Public()
@Controller('reset-password')
export class ResetPasswordController {
  @Get()
  show(@Req() request: FastifyRequest, @Res() reply: FastifyReply): FastifyReply {
    return queryToken(request) === null
      ? sendPage(reply, 400, incompleteResetPage)
      : sendPage(reply, 200, resetPasswordPage);
  }

  /** Some of these programs only ask whether the link leads anywhere. */
  @Head()
  probe(@Req() request: FastifyRequest, @Res() reply: FastifyReply): FastifyReply {
    return this.show(request, reply);
  }
}
