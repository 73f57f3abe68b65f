import type { IncomingMessage } from 'node:http';
import { finished, Readable } from 'node:stream';
import { Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import {
  ApiBody,
  ApiConsumes,
  ApiExcludeEndpoint,
  ApiHeader,
  ApiOperation,
  ApiResponse,
  ApiSecurity,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { success } from '../http/chat-dialect.js';
import { invalidInput } from '../errors/errors.js';
import { ApiAnswerHeaders } from '../http/answer-headers.js';
import { ApiErrors, ApiFileParam, ApiSuccess } from '../http/openapi.js';
import { parseUuid } from '../http/parameters.js';
import { notAMember } from '../membership/membership-errors.js';
import { type Caller, CallerParam } from '../tokens/caller.js';
import { TOKEN_ERRORS } from '../tokens/token-errors.js';
import { prepareDownload } from './download.js';
import {
  fileNotFound,
  fileNotUploaded,
  fileTooLarge,
  linkExpired,
  linkUsed,
  noSuchRange,
  notAnImage,
  notTheUploader,
  storageFull,
} from './file-errors.js';
import { readFilePart } from './file-parts.js';
import { FilesService } from './files.service.js';

const FILE_ERRORS = [
  ...TOKEN_ERRORS,
  invalidInput('path parameter', 'file', 'must be a uuid'),
  fileNotFound(),
  notAMember(),
];

const binary = (example: string) => ({
  'application/octet-stream': { schema: { type: 'string', format: 'binary' }, example },
});

const FileParam = () => Param('file', { transform: (text: string) => parseUuid('file', text) });

@ApiTags('files')
@ApiSecurity('ApiKey')
@Controller('files')
export class FilesController {
  constructor(private readonly files: FilesService) {}

  @ApiOperation({
    summary: 'Download a file.',
    description:
      'For members of the chat. Supports conditional requests (`If-None-Match`), single ranges and `HEAD`.',
  })
  @Get(':file')
  @RouteConfig({ answersHead: true, takesTime: true })
  @ApiFileParam()
  @ApiHeader({
    name: 'Range',
    required: false,
    description: 'a single range of bytes, for instance `bytes=0-1023`',
  })
  @ApiHeader({ name: 'If-None-Match', required: false, description: 'the ETag of a copy at hand' })
  @ApiHeader({
    name: 'If-Range',
    required: false,
    description: 'the ETag of the copy that a range completes; if the file has another one, all bytes come',
  })
  @ApiResponse({
    status: 200,
    description: 'the bytes, with their Content-Type',
    content: binary('some notes'),
  })
  @ApiResponse({ status: 206, description: 'the range of the bytes', content: binary('some') })
  @ApiResponse({ status: 304, description: 'the copy at hand is current' })
  @ApiAnswerHeaders([200, 206, 304, 416], 'ETag')
  @ApiAnswerHeaders([200, 206], 'Content-Disposition')
  @ApiAnswerHeaders([206, 416], 'Content-Range')
  @ApiErrors(...FILE_ERRORS, fileNotUploaded(), noSuchRange())
  async downloadFile(
    @CallerParam() caller: Caller,
    @FileParam() uuid: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    const file = await this.files.requireUploaded(caller, uuid);
    const { status, headers, range } = prepareDownload(file, request.method, request.headers);
    if (status === 416) {
      void reply.headers(headers);
      throw noSuchRange();
    }
    const hasBody = range !== undefined && file.size > 0 && request.method !== 'HEAD';
    // Open the file first: if that fails, the error must not carry the file's headers.
    const bytes = hasBody ? await this.files.read(caller, file, range) : Readable.from([]);
    closeOnDisconnect(bytes, request.raw);
    return reply.status(status).headers(headers).send(bytes);
  }

  @Get()
  @ApiExcludeEndpoint()
  refuseMissingUuid() {
    return parseUuid('file', undefined);
  }

  @ApiOperation({
    summary: 'Upload a file.',
    description:
      'Upload the file of a message, once, within a day of sending the message. Images are recognised by their bytes.',
  })
  @Post(':file')
  @RouteConfig({ takesTime: true })
  @ApiFileParam()
  @HttpCode(200)
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: {
      type: 'object',
      required: ['file'],
      properties: { file: { type: 'string', format: 'binary' } },
    },
  })
  @ApiSuccess('successfully uploaded file/image')
  @ApiErrors(
    ...FILE_ERRORS,
    invalidInput('form field', 'file', 'must be present'),
    linkUsed(),
    linkExpired(),
    notAnImage(),
    notTheUploader(),
    fileTooLarge(104_857_600),
    storageFull(),
  )
  async uploadFile(@CallerParam() caller: Caller, @FileParam() uuid: string, @Req() request: FastifyRequest) {
    await this.files.upload(caller, uuid, (maxSize, store) => readFilePart(request, maxSize, store));
    return success();
  }
}

/** When a client disconnects, Node closes only the response that is being sent, not pipelined ones behind it. */
function closeOnDisconnect(bytes: Readable, request: IncomingMessage): void {
  finished(request, () => {
    if (request.socket.destroyed) bytes.destroy();
  });
}
