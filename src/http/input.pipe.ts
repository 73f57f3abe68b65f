import { type ArgumentMetadata, Injectable, type PipeTransform, type Type } from '@nestjs/common';
import { getMetadataStorage, validateSync } from 'class-validator';
import { invalid } from '../errors/errors.js';
import { RawBody } from './json-body.js';

export interface FieldError {
  property: string;
  message: string;
  isMissing: boolean;
}

/** The type of `static formatError`, by which a DTO words its errors itself. */
export type ErrorFormatter = (error: FieldError) => string;

/**
 * Creates the DTO of `@Body()` or `@Query()`: the declared fields alone, validated and never coerced. Nest's
 * ValidationPipe overflows the stack on an unknown field of 100,000 nested arrays.
 * @throws ParleyError (invalid) that names the first invalid field or query parameter.
 */
@Injectable()
export class InputPipe implements PipeTransform {
  transform(value: unknown, { type, metatype, data }: ArgumentMetadata): unknown {
    if (!metatype || data !== undefined) return value;
    if (type === 'body') return bind(metatype, value instanceof RawBody ? value.parse() : {}, 'field');
    if (type === 'query') return bind(metatype, value as Record<string, unknown>, 'query parameter');
    return value;
  }
}

function bind<T extends object>(Dto: Type<T>, input: Record<string, unknown>, kind: string): T {
  const dto = new Dto();
  // Only declared fields: a key like `constructor` would mislead class-validator.
  for (const field of fieldsOf(Dto)) {
    if (Object.hasOwn(input, field)) (dto as Record<string, unknown>)[field] = input[field];
  }
  const [error] = validateSync(dto, { stopAtFirstError: true });
  if (!error) return dto;
  const { property, value, constraints = {} } = error;
  const isMissing = value === undefined;
  const message = isMissing ? 'must be present' : Object.values(constraints)[0];
  const { formatError } = Dto as { formatError?: ErrorFormatter };
  throw invalid(formatError?.({ property, message, isMissing }) ?? `${kind} '${property}' ${message}`);
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
