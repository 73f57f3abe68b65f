import { type ArgumentMetadata, Injectable, type PipeTransform, type Type } from '@nestjs/common';
import { getMetadataStorage, validateSync } from 'class-validator';
import { ParleyError } from '../errors/errors.js';
import { RawBody } from './json-body.js';

export interface FieldError {
  property: string;
  /** Undefined when the field is missing. */
  value: unknown;
  message: string;
}

/** The type of `static formatError`, by which a DTO words its errors itself. */
export type ErrorFormatter = (error: FieldError) => string;

/** The type of `static variantOf`, by which a DTO chooses the class that validates an input; itself if undefined. */
export type VariantFinder = (input: Record<string, unknown>) => Type | undefined;

/**
 * Creates the DTO of `@Body()` or `@Query()`: the declared fields alone, validated and never coerced. Nest's
 * ValidationPipe overflows the stack on an unknown field of 100,000 nested arrays.
 * @throws ParleyError (invalid_field) that names the first invalid field or query parameter.
 */
@Injectable()
export class InputPipe implements PipeTransform {
  transform(value: unknown, { type, metatype, data }: ArgumentMetadata): unknown {
    if (!metatype || data !== undefined) return value;
    if (type === 'body')
      return bindInput<object>(metatype, value instanceof RawBody ? value.parse() : {}, 'field');
    if (type === 'query')
      return bindInput<object>(metatype, value as Record<string, unknown>, 'query parameter');
    return value;
  }
}

/** Creates a DTO of the declared fields of an input. @throws ParleyError (invalid_field). */
export function bindInput<T extends object>(Base: Type<T>, input: Record<string, unknown>, kind: string): T {
  const Dto = ((Base as { variantOf?: VariantFinder }).variantOf?.(input) ?? Base) as Type<T>;
  const dto = new Dto();
  // Only declared fields: a key like `constructor` would mislead class-validator.
  for (const field of fieldsOf(Dto)) {
    if (Object.hasOwn(input, field)) (dto as Record<string, unknown>)[field] = input[field];
  }
  const [error, ...others] = validateSync(dto, { stopAtFirstError: true });
  if (!error) return dto;
  const { property, value, constraints = {} } = error;
  const message = value === undefined ? 'must be present' : Object.values(constraints)[0];
  const { formatError } = Dto as { formatError?: ErrorFormatter };
  const reason = formatError?.({ property, value, message }) ?? `${kind} '${property}' ${message}`;
  throw new ParleyError('invalid_field', reason, { field: others.length === 0 ? property : undefined });
}

const fieldsByDto = new WeakMap<Type, Set<string>>();

function fieldsOf(Dto: Type): Set<string> {
  let fields = fieldsByDto.get(Dto);
  if (!fields) {
    const metadata = getMetadataStorage().getTargetValidationMetadatas(Dto, '', true, false);
    fields = new Set(metadata.map(({ propertyName }) => propertyName));
    fieldsByDto.set(Dto, fields);
  }
  return fields;
}
