import { createRequire } from 'node:module';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

import { HEADERS, headersOf } from './answer-headers.js';
import { rulesOf } from './openapi.js';

const { version } = createRequire(import.meta.url)('#package.json') as { version: string };

const DESCRIPTION = `Manage the entirety of the chat application without a user interface.

Parley serves two families of routes with one token: the Chat App API (version 1.3 of its reference), whose errors are
\`{"status":"error","reason":"…"}\`, and the Rooms API, whose errors are \`{"error":"…"}\`. Every error also has a \`code\`
of a closed list, and the \`field\` at fault where it is one alone.

Besides the statuses of each operation, an unknown path answers 404, and a method that its path does not have 405 with
\`Allow\`. HTTP itself refuses with 408 what is too slow, with 414 a URL and with 431 headers that are too long, and with
417 an unknown \`Expect\`. \`HEAD\` works on downloads, on health and on this document.

## Live events

Events (schema \`Event\`) come as server-sent events or to polls, both at \`GET /api/events\`, or over a WebSocket at
\`/api/ws\`. Their \`id\` resumes after them, for 7 days, over any of the three: everything that was missed is told
again, at least once, in each chat in its order. Without an \`id\` a client waits for \`ready\` and then loads its chats;
\`recovered: false\` and \`chat.limited\` tell it to load them, or one of them, anew.

A WebSocket takes text frames of JSON (schemas \`ClientFrame\` and \`ServerFrame\`), of up to 256 KiB. The token comes in the header \`Authorization\` or in the first frame.

| frame of the client | answer |
| --- | --- |
| \`{"type":"hello","token"?,"since"?}\`, first, within 10 s | \`{"type":"ready","id","recovered"}\`, then events |
| \`{"type":"send","id","chat","message"}\`; \`id\` is the idempotency key | \`{"type":"ack","id","data":{"index","timestamp"}}\` |
| \`{"type":"read","id","chat","index"}\` | \`{"type":"ack","id","data":{"index","unread"}}\` |
| \`{"type":"typing","chat"}\` | none |
| \`{"type":"ping"}\` | \`{"type":"pong"}\` |

A frame that is refused is answered with \`{"type":"error","id"?,"reason","code","field"?,"retryAfter"?}\`. Frames take effect in
their order. The server closes a WebSocket with 4401 (no, bad or ended token), 4408 (no \`hello\` in time), 4413 (the client
reads too slowly), 4429 (too many streams or frames) or 1012 (restart: come back after 0.5 to 5 s, at random).`;

export function serveDocument(app: NestFastifyApplication): void {
  const config = new DocumentBuilder()
    .setTitle('Parley')
    .setDescription(DESCRIPTION)
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .setVersion(version)
    .setOpenAPIVersion('3.1.0')
    .addServer('/')
    .addTag('authentication', 'User login and logout routes')
    .addTag('users', 'User modification routes')
    .addTag('chats', 'Chat management routes')
    .addTag('messages', 'Message management routes within chats')
    .addTag('files', 'File upload and download routes')
    .addTag('rooms', 'Chats that can be found and joined by name')
    .addTag('live', 'What happens in chats, as it happens')
    .addTag('health', 'State of the server, for supervisors and load balancers')
    .addApiKey(
      { ...AUTHORIZATION_HEADER, description: 'JWT authentication token from login route' },
      'ApiKey',
    )
    .addApiKey(
      {
        ...AUTHORIZATION_HEADER,
        description:
          'The password reset JWT from the reset email. Generated after the user initializes the password reset flow.',
      },
      'ResetPasswordToken',
    )
    .addApiKey(
      {
        type: 'apiKey',
        in: 'query',
        name: 'token',
        description:
          'The email verification JWT from the verification email. Generated after the users registers.',
      },
      'EmailVerificationToken',
    )
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (_controller, method) => method,
  });
  SwaggerModule.setup('api/docs', app, finish(document), {
    jsonDocumentUrl: 'api/docs-json',
    yamlDocumentUrl: 'api/docs-yaml',
    customSiteTitle: 'Parley API',
    swaggerOptions: { persistAuthorization: true, onComplete: focusFirstKey },
  });
}

interface BrowserDocument {
  addEventListener(
    type: 'click',
    listener: (event: { target: { closest(selector: string): unknown } }) => void,
  ): void;
  querySelector(selector: string): { focus(): void } | null;
}

/** Runs in the browser. Each field of the Authorize dialog takes the focus as it appears, so that the last one would have it. */
function focusFirstKey(): void {
  const { document } = globalThis as unknown as { document: BrowserDocument };
  document.addEventListener('click', ({ target }) => {
    if (!target.closest('.authorize, .authorization__btn')) return;
    document.querySelector('.auth-container input')?.focus();
  });
}

interface Operation {
  operationId: string;
  security?: object[];
  responses: Record<string, { headers?: object }>;
}

const AUTHORIZATION_HEADER = { type: 'apiKey', in: 'header', name: 'Authorization' } as const;

/** Adds what Nest's decorators cannot say, and names the schemas without the suffix of their classes. */
function finish(document: OpenAPIObject): OpenAPIObject {
  for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) {
    Object.assign(schema, rulesOf(name));
  }
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path) as Operation[]);
  for (const operation of operations) {
    // An empty list says that the route is public.
    operation.security ??= [];
    for (const [status, response] of Object.entries(operation.responses)) {
      response.headers = headersOf(operation.operationId, status);
    }
  }
  Object.assign(document.components ?? {}, { headers: HEADERS });
  const text = JSON.stringify(document).replaceAll(/"(#\/components\/schemas\/)?(\w+)Dto"/g, '"$1$2"');
  return JSON.parse(text) as OpenAPIObject;
}
