import { applyDecorators, type Type } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiResponse, getSchemaPath } from '@nestjs/swagger';

/** Documents 200 with `{"status":"success"}`, and `data`: one `Model`, or a list of them for `[Model]`. */
export function ApiSuccess(description: string, model?: Type | [Type], example?: object): MethodDecorator {
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
        },
        example: { status: 'success', data: example },
      },
    }),
  );
}

export function ApiErrors(
  reasons: Partial<Record<400 | 401 | 403 | 409 | 413 | 416 | 507, string>>,
): MethodDecorator {
  return documentErrors(reasons, (reason) => ({
    type: 'object',
    required: ['status', 'reason'],
    properties: { status: { type: 'string', enum: ['error'] }, reason: { type: 'string' } },
    example: { status: 'error', reason },
  }));
}

/** Documents error statuses in any dialect: `schemaOf` returns the schema of the body that has the reason. */
export function documentErrors(
  reasons: Record<string, string>,
  schemaOf: (reason: string) => object,
): MethodDecorator {
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
