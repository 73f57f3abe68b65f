import type { IncomingMessage } from 'node:http';
import { finished, Readable } from 'node:stream';
import { Controller, Get, Head, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiConsumes,
  ApiExcludeEndpoint,
  ApiHeader,
  ApiOperation,
  ApiParam,
  ApiResponse,
  ApiSecurity,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { failure, success } from '../http/chat-dialect.js';
import { ApiErrors, ApiSuccess } from '../http/openapi.js';
import { parseUuid } from '../http/parameters.js';
import { type Caller, CallerParam } from '../tokens/caller.js';
import { prepareDownload } from './download.js';
import { readFilePart } from './file-parts.js';
import { FilesService } from './files.service.js';

const BAD_TOKEN = 'invalid token: jwt expired';
const NOT_A_MEMBER = 'user is not part of specified chat';
const BYTES = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };

const ApiFileParam = () =>
  ApiParam({ name: 'file', description: 'uuid of file', schema: { type: 'string', format: 'uuid' } });

const FileParam = () => Param('file', { transform: (text: string) => parseUuid('file', text) });

@ApiTags('files')
@ApiSecurity('ApiKey')
@Controller('files')
export class FilesController {
  constructor(private readonly files: FilesService) {}

  @ApiOperation({
    summary: 'Download a file.',
    description:
      'For members of the chat. Supports conditional requests (`If-None-Match`) and single ranges.',
  })
  @Get(':file')
  @ApiFileParam()
  @ApiHeader({
    name: 'Range',
    required: false,
    description: 'a single range of bytes, for instance `bytes=0-1023`',
  })
  @ApiHeader({ name: 'If-None-Match', required: false, description: 'the ETag of a copy at hand' })
  @ApiResponse({ status: 200, description: 'the bytes, with their Content-Type', content: BYTES })
  @ApiResponse({ status: 206, description: 'the range of the bytes', content: BYTES })
  @ApiResponse({ status: 304, description: 'the copy at hand is current' })
  @ApiErrors({
    400: "path parameter 'file' must be present",
    401: BAD_TOKEN,
    403: NOT_A_MEMBER,
    416: 'file has no such range of bytes',
  })
  async download(
    @CallerParam() caller: Caller,
    @FileParam() uuid: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    const file = await this.files.requireUploaded(caller, uuid);
    const { status, headers, range } = prepareDownload(file, request.headers);
    const hasBody = range !== undefined && file.size > 0 && request.method !== 'HEAD';
    // Open the file first: if that fails, the error must not carry the file's headers.
    const bytes = hasBody ? await this.files.read(caller, file, range) : Readable.from([]);
    closeOnDisconnect(bytes, request.raw);
    void reply.status(status).headers(headers);
    return reply.send(status === 416 ? failure('file has no such range of bytes') : bytes);
  }

  @Head(':file')
  @ApiExcludeEndpoint()
  head(
    @CallerParam() caller: Caller,
    @FileParam() uuid: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.download(caller, uuid, request, reply);
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
  @ApiErrors({
    400: 'upload link has already been used',
    401: BAD_TOKEN,
    403: NOT_A_MEMBER,
    413: 'uploaded file must have at most 104857600 bytes',
    507: 'there is no room left to store the file',
  })
  async upload(@CallerParam() caller: Caller, @FileParam() uuid: string, @Req() request: FastifyRequest) {
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
