import { applyDecorators, type Type } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiProperty, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { ParleyError } from '../errors/errors.js';
import { failure } from './chat-dialect.js';
import { ErrorDto } from './dto/error.dto.js';
import { databaseUnavailable, internalError } from './error-response.js';

const NEXT_CURSOR = { type: ['string', 'null'], example: null };

/** Documents the property `next` of a list, which is there if a page was asked for. */
export function ApiNextCursor(): PropertyDecorator {
  return ApiProperty({ type: String, nullable: true, required: false, example: null });
}

/**
 * Documents 200 with `{"status":"success"}`, and `data`: one `Model`, or a list of them for `[Model]`. A list that has pages
 * also has `next`.
 */
export function ApiSuccess(
  description: string,
  model?: Type | [Type],
  example?: object,
  { hasPages = false } = {},
): MethodDecorator {
  const models = model ? [model].flat() : [];
  const [ref] = models.map((Model) => ({ $ref: getSchemaPath(Model) }));
  const data = Array.isArray(model) ? { type: 'array', items: ref } : ref;
  return applyDecorators(
    ApiExtraModels(...models),
    ApiOkResponse({
      description,
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
  return documentErrors(errors, ErrorDto, (error) => failure(error.message, error));
}

/** Documents errors in any dialect, grouped by their status. `Model` is the schema of all bodies. */
export function documentErrors(
  errors: ParleyError[],
  Model: Type,
  bodyOf: (error: ParleyError) => object,
): MethodDecorator {
  const all = [...errors, internalError(), databaseUnavailable()];
  const statuses = [...new Set(all.map(({ status }) => status))];
  return applyDecorators(
    ApiExtraModels(Model),
    ...statuses.map((status) => {
      const examples = all
        .filter((error) => error.status === status)
        .map((error) => [nameOf(error), { value: bodyOf(error) }]);
      const content = {
        'application/json': {
          schema: { $ref: getSchemaPath(Model) },
          examples: Object.fromEntries(examples),
        },
      };
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
  429: 'too many attempts; header Retry-After tells the seconds to wait',
  500: 'unexpected error, logged with the request id in header x-request-id',
  503: 'the database, or the storage of files, is unavailable; try again after Retry-After',
  507: 'no room left to store the file',
};
