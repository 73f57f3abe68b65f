import { randomUUID } from 'node:crypto';
import multipart from '@fastify/multipart';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import type { Logger } from 'pino';
import { AppModule } from './app.module.js';
import { refuseBrokenRequest, refuseExpectations } from './http/broken-requests.js';
import { ErrorFilter, sendError } from './http/error.filter.js';
import { InputPipe } from './http/input.pipe.js';
import { acceptRawBodies } from './http/json-body.js';
import { createLogger, NestLogger } from './logging.js';
import type { Settings } from './config/settings.js';
import { openDatabase } from './database/data-source.js';

/** JSON may write a character of a message as two escapes of six bytes; the rest of a body is small. */
const bodyLimit = (settings: Settings) => Math.max(1_048_576, settings.maxMessageLength * 12 + 16_384);

/** How long a client may take to send a request, in milliseconds. */
const REQUEST_TIMEOUT_MS = 3_600_000;

/** How long a shutdown waits for the requests under way, in milliseconds. */
const SHUTDOWN_TIMEOUT_MS = 5_000;

/** From how many characters on an answer is sent as bytes. */
const LONG_TEXT_LENGTH = 4_096;

/**
 * The whole server, but for the listening: shared by `main.ts` and the tests.
 *
 * @throws StartError when the database cannot be used.
 */
export async function createApp(settings: Settings): Promise<NestFastifyApplication> {
  const logger = createLogger(settings);
  const { writer, reader, warnings } = await openDatabase(settings.database);
  for (const warning of warnings) logger.warn(warning);

  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(settings, writer, reader),
    createAdapter(settings, logger),
    { logger: new NestLogger(logger), bodyParser: false, abortOnError: false },
  );
  // The page behind the link of a reset mail is no call of the API.
  app.setGlobalPrefix('api', { exclude: ['reset-password'] });
  app.useGlobalPipes(new InputPipe());
  app.useGlobalFilters(new ErrorFilter());
  app.enableShutdownHooks([], { useProcessExit: true });
  const fastify = app.getHttpAdapter().getInstance();
  acceptRawBodies(fastify);
  await app.register(multipart, { throwFileSizeLimit: false });
  refuseExpectations(fastify.server);
  endSlowClients(fastify);
  sendLongTextsAsBytes(fastify);
  SwaggerModule.setup('api/docs', app, createDocument(app), {
    jsonDocumentUrl: 'api/docs-json',
    yamlDocumentUrl: 'api/docs-yaml',
    customSiteTitle: 'Parley API',
    swaggerOptions: { persistAuthorization: true },
  });
  return app;
}

/**
 * A server that ends waits for the requests under way, but not for clients that keep their connections or stall in
 * the middle of a request.
 */
function endSlowClients(fastify: FastifyInstance): void {
  let ending = false;
  fastify.addHook('preClose', (done) => {
    ending = true;
    setTimeout(() => fastify.server.closeAllConnections(), SHUTDOWN_TIMEOUT_MS).unref();
    done();
  });
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (ending) void reply.header('connection', 'close');
    done(null, payload);
  });
}

/** Node appends a text to the headers, which copies it once more, and as two bytes a character where one is not Latin. */
function sendLongTextsAsBytes(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (_request, _reply, payload, done) => {
    done(
      null,
      typeof payload === 'string' && payload.length >= LONG_TEXT_LENGTH ? Buffer.from(payload) : payload,
    );
  });
}

function createAdapter(settings: Settings, logger: Logger): FastifyAdapter {
  return new FastifyAdapter({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: bodyLimit(settings),
    // GET routes of the contract do things (log out, verify): a look at their headers must not.
    exposeHeadRoutes: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Whoever got through while the server ends is answered too, in the dialect, and not by Fastify.
    return503OnClosing: false,
    // Node's limit for all headers: too long a parameter is refused by its route, after the token.
    routerOptions: { maxParamLength: 16_384 },
    // The contract knows `GET /api/files/`: a download that names no file.
    rewriteUrl: ({ url = '/' }) => url.replace(/^\/api\/files\/(?=\?|$)/, '/api/files'),
    // Node itself would refuse with an empty body.
    http: { requireHostHeader: false },
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
      sendError(error, request, reply),
    clientErrorHandler: refuseBrokenRequest,
  });
}

function createDocument(app: NestFastifyApplication): OpenAPIObject {
  const header = { type: 'apiKey', in: 'header', name: 'Authorization' } as const;
  const config = new DocumentBuilder()
    .setTitle('Parley')
    .setDescription('Manage the entirety of the chat application without a user interface.')
    .setVersion('1.3')
    .setOpenAPIVersion('3.1.0')
    .addTag('authentication', 'User login and logout routes')
    .addTag('users', 'User modification routes')
    .addTag('chats', 'Chat management routes')
    .addTag('messages', 'Message management routes within chats')
    .addTag('files', 'File upload and download routes')
    .addTag('rooms', 'Chats that can be found and joined by name')
    .addApiKey({ ...header, description: 'JWT authentication token from login route' }, 'ApiKey')
    .addApiKey(
      {
        ...header,
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
  return SwaggerModule.createDocument(app, config);
}
