import { type ArgumentMetadata, Injectable, type PipeTransform, type Type } from '@nestjs/common';
import { getMetadataStorage, validateSync } from 'class-validator';
import { invalid } from '../errors/errors.js';
import { RawBody } from './json-body.js';

/** What is wrong with an input. */
export interface InputFault {
  property: string;
  /** Stands behind the property's name. */
  complaint: string;
  isMissing: boolean;
}

/** How a DTO with a static `wording` has its faults told, where not in the usual words. */
export type Wording = (fault: InputFault) => string;

/**
 * Makes the DTO that a handler binds with `@Body()` or `@Query()`: the declared fields alone, never
 * coerced, each checked by its class-validator decorators.
 *
 * @throws ParleyError (invalid) that names the first field or parameter at fault.
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

function bind<T extends object>(Dto: Type<T>, input: Record<string, unknown>, what: string): T {
  const dto = new Dto();
  // Field by field: an input with a key such as `constructor` must not reach the validator.
  for (const field of fieldsOf(Dto)) {
    if (Object.hasOwn(input, field)) (dto as Record<string, unknown>)[field] = input[field];
  }
  const [error] = validateSync(dto, { stopAtFirstError: true });
  if (!error) return dto;
  const isMissing = error.value === undefined;
  const complaint = isMissing ? 'must be present' : Object.values(error.constraints ?? {})[0];
  const { wording } = Dto as { wording?: Wording };
  const { property } = error;
  throw invalid(wording ? wording({ property, complaint, isMissing }) : `${what} '${property}' ${complaint}`);
}

const fields = new WeakMap<Type, string[]>();

/** The properties of a DTO that carry a validator, in the order of their declaration. */
function fieldsOf(Dto: Type): string[] {
  let known = fields.get(Dto);
  if (!known) {
    const metadata = getMetadataStorage().getTargetValidationMetadatas(Dto, '', true, false);
    known = [...new Set(metadata.map(({ propertyName }) => propertyName))];
    fields.set(Dto, known);
  }
  return known;
}
