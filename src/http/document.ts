import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

export function serveDocument(app: NestFastifyApplication): void {
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
  SwaggerModule.setup('api/docs', app, SwaggerModule.createDocument(app, config), {
    jsonDocumentUrl: 'api/docs-json',
    yamlDocumentUrl: 'api/docs-yaml',
    customSiteTitle: 'Parley API',
    swaggerOptions: { persistAuthorization: true },
  });
}

const AUTHORIZATION_HEADER = { type: 'apiKey', in: 'header', name: 'Authorization' } as const;
