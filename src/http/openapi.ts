import { applyDecorators, type Type } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiOkResponse,
  ApiParam,
  ApiProperty,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import { ParleyError } from '../errors/errors.js';
import { failure } from './chat-dialect.js';
import { ErrorDto } from './dto/error.dto.js';
import { databaseUnavailable, internalError } from './error-response.js';

export const EXAMPLE_CHAT = '3e17b51b-01db-4b20-b1f5-95fd054376b7';
export const EXAMPLE_FILE = '7c9e6679-7425-40de-944b-e07fc1f90ae7';

export const ApiChatParam = () => ApiUuidParam('chat', EXAMPLE_CHAT);
export const ApiFileParam = () => ApiUuidParam('file', EXAMPLE_FILE);

const ApiUuidParam = (name: string, example: string) =>
  ApiParam({ name, description: `uuid of ${name}`, schema: { type: 'string', format: 'uuid', example } });

const NEXT_CURSOR = { type: ['string', 'null'], example: null };

/** Documents the property `next` of a list, which is there if a page was asked for. */
export function ApiNextCursor(): PropertyDecorator {
  return ApiProperty({ type: String, nullable: true, required: false, example: null });
}

interface TextAnswer {
  example: string;
  /** The schema of the JSON inside the text. */
  contentSchema?: object;
}

/**
 * Documents 200 with `{"status":"success"}`, and `data`: one `Model`, or a list of them for `[Model]`. A list that has pages
 * also has `next`. `others` are texts that a client may get in place of the JSON, by their media types.
 */
export function ApiSuccess(
  description: string,
  model?: Type | [Type],
  example?: object,
  { hasPages = false, others = {} }: { hasPages?: boolean; others?: Record<string, TextAnswer> } = {},
): MethodDecorator {
  const models = model ? [model].flat() : [];
  const [ref] = models.map((Model) => ({ $ref: getSchemaPath(Model) }));
  const data = Array.isArray(model) ? { type: 'array', items: ref } : ref;
  return applyDecorators(
    ApiExtraModels(...models),
    ApiOkResponse({
      description,
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: data ? ['status', 'data'] : ['status'],
            properties: {
              status: { type: 'string', enum: ['success'], example: 'success' },
              ...(data && { data }),
              ...(hasPages && { next: NEXT_CURSOR }),
            },
            example: { status: 'success', data: example },
          },
        },
        ...Object.fromEntries(
          Object.entries(others).map(([type, { example: text, contentSchema }]) => [
            type,
            { schema: { type: 'string', contentSchema }, example: text },
          ]),
        ),
      },
    }),
  );
}

const schemaRules = new Map<string, object>();

/** Adds rules about several properties at once to the schema of a DTO. */
export function ApiSchemaRules(rules: object): ClassDecorator {
  return (Dto) => void schemaRules.set(Dto.name, rules);
}

export function rulesOf(schemaName: string): object | undefined {
  return schemaRules.get(schemaName);
}

/** Documents the errors of a route of the Chat App API, each with its body as an example. */
export function ApiErrors(...errors: ParleyError[]): MethodDecorator {
  return ApiErrorsWithoutDatabase(...errors, databaseUnavailable());
}

/** As {@link ApiErrors}, for a route that needs no database. */
export function ApiErrorsWithoutDatabase(...errors: ParleyError[]): MethodDecorator {
  return documentErrors(errors, ErrorDto, (error) => failure(error.message, error));
}

/** Documents errors in any dialect, grouped by their status. `Model` is the schema of all bodies. */
export function documentErrors(
  errors: ParleyError[],
  Model: Type,
  bodyOf: (error: ParleyError) => object,
): MethodDecorator {
  const all = [...errors, internalError()];
  const statuses = [...new Set(all.map(({ status }) => status))];
  return applyDecorators(
    ApiExtraModels(Model),
    ...statuses.map((status) => {
      const examples: Record<string, object> = {};
      for (const error of all.filter((each) => each.status === status)) {
        const name = nameOf(error);
        examples[name in examples ? error.message : name] = { value: bodyOf(error) };
      }
      const content = { 'application/json': { schema: { $ref: getSchemaPath(Model) }, examples } };
      return ApiResponse({ status, description: DESCRIPTIONS[status], content });
    }),
  );
}

const nameOf = ({ code, field }: ParleyError) => (field === undefined ? code : `${code}: ${field}`);

const DESCRIPTIONS: Record<number, string> = {
  400: 'bad input parameter',
  401: 'bad authentication token',
  403: 'authenticated but not allowed',
  404: 'no such room',
  409: 'conflicting value with existing user',
  413: 'request body is too large',
  416: 'the file has no such range',
  422: 'the idempotency key belongs to another request',
  429: 'too many attempts; try again after Retry-After',
  500: 'unexpected error, logged with the request id in header x-request-id',
  503: 'the database, or the storage of files, is unavailable; try again after Retry-After',
  507: 'no room left to store the file',
};
