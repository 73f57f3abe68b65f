import { applyDecorators, type Type } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiResponse, getSchemaPath } from '@nestjs/swagger';

type Schema = Record<string, unknown>;

const STATUS_SUCCESS = { type: 'string', enum: ['success'], example: 'success' };

/** Documents 200 with `{"status":"success"}`, and `data` of the given schema where there is one. */
export function ApiSuccess(description: string, data?: Schema, example?: unknown): MethodDecorator {
  return applyDecorators(
    ApiOkResponse({
      description,
      schema: {
        type: 'object',
        required: data ? ['status', 'data'] : ['status'],
        properties: data ? { status: STATUS_SUCCESS, data } : { status: STATUS_SUCCESS },
        example: example === undefined ? { status: 'success' } : { status: 'success', data: example },
      },
    }),
  );
}

/** A reference to a model's schema, or an array of them. */
export function schemaRef(Model: Type): Schema {
  return { $ref: getSchemaPath(Model) };
}

export function schemaArray(Model: Type): Schema {
  return { type: 'array', items: schemaRef(Model) };
}

/** The schemas that {@link schemaRef} refers to. */
export const Models = ApiExtraModels;

/** The error statuses of a route, each with the reason that its example shows. */
export function ApiErrors(
  reasons: Partial<Record<400 | 401 | 403 | 409 | 413 | 416 | 507, string>>,
): MethodDecorator {
  return errors(reasons, (reason) => ({
    type: 'object',
    required: ['status', 'reason'],
    properties: { status: { type: 'string', enum: ['error'] }, reason: { type: 'string' } },
    example: { status: 'error', reason },
  }));
}

function errors(reasons: Record<string, string>, schemaOf: (reason: string) => Schema): MethodDecorator {
  const all = {
    ...reasons,
    500: 'internal server error',
    503: 'the database is unavailable, try again later',
  };
  return applyDecorators(
    ...Object.entries(all).map(([status, reason]) =>
      ApiResponse({ status: Number(status), description: DESCRIPTIONS[status], schema: schemaOf(reason) }),
    ),
  );
}

/** An answer of the Rooms API. */
export function ApiRoomAnswer(
  status: 200 | 201,
  description: string,
  Model: Type,
  example: object,
): MethodDecorator {
  return ApiResponse({ status, description, schema: { ...schemaRef(Model), example } });
}

/** As {@link ApiErrors}, in the Rooms API's dialect; 401 is the same on each of its routes. */
export function ApiRoomErrors(
  reasons: Partial<Record<400 | 403 | 404 | 413 | 429, string>>,
): MethodDecorator {
  return errors({ ...reasons, 401: 'unauthorized' }, (error) => ({
    type: 'object',
    required: ['error'],
    properties: { error: { type: 'string' } },
    example: { error },
  }));
}

const DESCRIPTIONS: Record<string, string> = {
  400: 'bad input parameter',
  401: 'bad authentication token',
  403: 'authenticated but not allowed',
  404: 'no such room',
  409: 'conflicting value with existing user',
  413: 'request body is too large',
  416: 'the file has no such range',
  429: 'too many attempts; header Retry-After tells the seconds to wait',
  500: 'unexpected error, logged with the request id in header x-request-id',
  503: 'the database, or the storage of files, is unavailable',
  507: 'no room left to store the file',
};
