import { createHash } from 'node:crypto';
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorResponse } from '../common/error-response.js';
import { logUnexpected, sendError } from '../common/error.filter.js';

const STYLE = `
:root { color-scheme: light dark }
body { font: 18px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 34rem; padding: 15vh 1.5rem 0 }
h1 { font-size: 1.5rem }
`;

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A browser asks for HTML by name; other clients take what they get. */
export function wantsPage(request: FastifyRequest): boolean {
  return request.headers.accept?.includes('text/html') ?? false;
}

/** A page that loads nothing and tells nobody the address, which holds the token. */
export function sendPage(reply: FastifyReply, status: number, title: string, text: string): FastifyReply {
  return reply
    .status(status)
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', POLICY)
    .header('referrer-policy', 'no-referrer')
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff').send(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} – Parley</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(text)}</p>
</main>
</body>
</html>
`);
}

/** Shows a person who followed the link in a mail what went wrong; answers programs as everywhere. */
@Catch()
export class VerifyEmailPageFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (!wantsPage(request)) return sendError(error, request, reply);
    const response = errorResponse(error);
    logUnexpected(error, response, request);
    const text =
      response.status < 500
        ? 'The link is used up, too old, or was cut off. If your address is not verified yet, log in and set your email address again to get a new link.'
        : 'Something went wrong on our side. Please follow the link again later.';
    void sendPage(reply, response.status, 'This link does not work', text);
  }
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
