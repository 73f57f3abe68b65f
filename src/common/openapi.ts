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
export function model(Model: Type): Schema {
  return { $ref: getSchemaPath(Model) };
}

export function arrayOf(Model: Type): Schema {
  return { type: 'array', items: model(Model) };
}

/** The schemas that {@link model} refers to. */
export const Models = ApiExtraModels;

/** The error statuses of a route, each with the reason that its example shows. */
export function ApiErrors(reasons: Partial<Record<400 | 401 | 403 | 409 | 413, string>>): MethodDecorator {
  const statuses = Object.entries({
    ...reasons,
    500: 'internal server error',
    503: 'the database is unavailable, try again later',
  });
  return applyDecorators(
    ...statuses.map(([status, reason]) =>
      ApiResponse({
        status: Number(status),
        description: DESCRIPTIONS[status],
        schema: {
          type: 'object',
          required: ['status', 'reason'],
          properties: {
            status: { type: 'string', enum: ['error'] },
            reason: { type: 'string' },
          },
          example: { status: 'error', reason },
        },
      }),
    ),
  );
}

const DESCRIPTIONS: Record<string, string> = {
  400: 'bad input parameter',
  401: 'bad authentication token',
  403: 'authenticated but not allowed',
  409: 'conflicting value with existing user',
  413: 'request body is too large',
  500: 'unexpected error, logged with the request id in header x-request-id',
  503: 'the database is unavailable',
};
