import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Json } from './parley.js';

/** Checks answers against an OpenAPI document. */
export class OpenApiChecker {
  private readonly ajv = new Ajv2020({ strict: false, validateFormats: false });
  private readonly validators = new Map<string, ValidateFunction>();
  private readonly headerNames: string[];

  constructor(private readonly document: Json) {
    this.ajv.addSchema({ ...document, $id: 'parley' });
    this.headerNames = Object.keys(document.components.headers);
  }

  /** Throws if the answer has a header that the document describes, but not for this answer. */
  checkHeaders(method: string, path: string, status: number, headers: Headers): void {
    const response = this.operationOf(method, path)?.operation.responses[status];
    if (!response) return;
    const unknown = this.headerNames.filter((name) => headers.has(name) && !(name in response.headers));
    if (unknown.length > 0) throw new Error(`${method} ${path} ${status} has ${unknown.join(', ')}`);
  }

  /** Returns whether a JSON body of a request to a route is as the document describes it. */
  allows(method: string, route: string, body: unknown): boolean {
    const isAllowed: unknown = this.validator(`${pointerTo(route, method)}/requestBody`)(body);
    return Boolean(isAllowed);
  }

  /** Throws unless the document describes the route's status and the body fits its schema. */
  check(method: string, path: string, status: number, body: unknown): void {
    const { route, operation } = this.operationOf(method, path) ?? {};
    // The document does not describe unknown routes.
    if (!route) return;
    if (!operation.responses[status])
      throw new Error(`${method} ${route}: status ${status} is not documented`);
    const validate = this.validator(`${pointerTo(route, method)}/responses/${status}`);
    if (validate(body)) return;
    throw new Error(
      `${method} ${route} ${status} is not as documented: ${this.ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`,
    );
  }

  /** Throws unless the value fits a schema that the document names. */
  checkSchema(name: string, value: unknown): void {
    const validate = this.validatorAt(`/components/schemas/${name}`);
    if (!validate(value)) {
      throw new Error(`no ${name}: ${this.ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`);
    }
  }

  /** Returns the validator of JSON in a body at a pointer. */
  private validator(pointer: string): ValidateFunction {
    return this.validatorAt(`${pointer}/content/application~1json/schema`);
  }

  private validatorAt(pointer: string): ValidateFunction {
    let validate = this.validators.get(pointer);
    if (!validate) {
      const $ref = `parley#${pointer}`.replaceAll('{', '%7B').replaceAll('}', '%7D');
      validate = this.ajv.compile({ $ref });
      this.validators.set(pointer, validate);
    }
    return validate;
  }

  private operationOf(method: string, path: string): { route: string; operation: Json } | undefined {
    const route = this.routeOf(path.split('?')[0]);
    const operation = route && this.document.paths[route][method.toLowerCase()];
    return operation && { route, operation };
  }

  private routeOf(path: string): string | undefined {
    const segments = path.split('/');
    return Object.keys(this.document.paths).find((route) => {
      const parts = route.split('/');
      const fits = (part: string, index: number) =>
        part.startsWith('{') ? segments[index] !== '' : part === segments[index];
      return parts.length === segments.length && parts.every(fits);
    });
  }
}

const pointerTo = (route: string, method: string) =>
  `/paths/${route.replaceAll('~', '~0').replaceAll('/', '~1')}/${method.toLowerCase()}`;

/** Returns the schema of a body that a reference names, or one for each of its variants. */
export function bodySchemasOf(document: Json, { $ref, oneOf }: Json): Json[] {
  const references: Json[] = oneOf ?? [{ $ref }];
  return references.map((reference) => document.components.schemas[reference.$ref.split('/').at(-1)]);
}
