import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorResponse } from '../../http/error-response.js';
import { logServerError, sendError, setRetryAfter } from '../../http/error.filter.js';
import { InvalidToken } from '../../tokens/token-errors.js';
import { outcomePage, type Page, sendPage } from './page.js';

const NEW_LINK = 'Ask for a new link in your chat program.';

export const verifiedPage = outcomePage({
  tone: 'good',
  title: 'Your email address is verified',
  text: ['Thank you. There is nothing else to do, you can close this page.'],
});

/** Mostly shown after a second click or a mail scanner, when the address is already verified. */
const usedPage = outcomePage({
  tone: 'note',
  title: 'This link has been used already',
  text: [
    'A link works once. If you opened it before, or your mail program did so to check it for you, your email address is verified and there is nothing else to do.',
    'If you have changed your address since, use the link in the newest mail.',
  ],
});

const expiredPage = outcomePage({
  tone: 'bad',
  title: 'This link has expired',
  text: ['Links to verify an email address work for three days.', NEW_LINK],
});

const damagedPage = outcomePage({
  tone: 'bad',
  title: 'This link is not complete',
  text: [
    'Part of it is missing or changed: some mail programs cut long links off. Go back to the mail and copy the whole link into the address bar.',
    NEW_LINK,
  ],
});

const troublePage = outcomePage({
  tone: 'bad',
  title: 'The server has a problem',
  text: ['Your email address could not be verified now. Please follow the link again in a few minutes.'],
});

const busyPage = outcomePage({
  tone: 'note',
  title: 'Too many requests',
  text: ['Your email address could not be verified now. Please follow the link again in a few minutes.'],
});

/** Returns whether the client is a browser: only browsers name HTML in `Accept`. */
export function wantsPage(request: FastifyRequest): boolean {
  return request.headers.accept?.includes('text/html') ?? false;
}

@Catch()
export class VerifyEmailPageFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (!wantsPage(request)) return sendError(error, request, reply);
    const response = errorResponse(error);
    logServerError(error, response, request);
    setRetryAfter(response, reply);
    void sendPage(reply, response.status, pageFor(error, response.status));
  }
}

function pageFor(error: unknown, status: number): Page {
  if (status === 429) return busyPage;
  if (status >= 500) return troublePage;
  const problem = error instanceof InvalidToken ? error.problem : 'malformed';
  return { expired: expiredPage, revoked: usedPage, malformed: damagedPage }[problem];
}
