import { applyDecorators } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { ValidateBy, ValidateIf } from 'class-validator';
import { isInteger } from './parameters.js';
import { codePoints, isBlank, isStorable } from '../helpers/text.js';

/** Says what is wrong with a value of a DTO, worded to stand behind "field 'x' ", or `undefined`. */
export type Complaint<Dto> = (value: unknown, dto: Dto) => string | undefined;

/** A complaint that looks at nothing but the value. */
export type ValueComplaint = (value: unknown) => string | undefined;

/** A property that the complaint checks, and its schema: said once, for the validator and the document. */
export function Checked<Dto>(complaint: Complaint<Dto>, schema: ApiPropertyOptions): PropertyDecorator {
  return applyDecorators(
    ApiProperty(schema),
    ValidateBy({
      name: 'checked',
      validator: {
        validate: (value: unknown, args) => complaint(value, args?.object as Dto) === undefined,
        defaultMessage: (args) => complaint(args?.value, args?.object as Dto) ?? '',
      },
    }),
  );
}

/** The property may be missing. `null` is not missing: it is a wrong type (contract, "Common rules"). */
export function MayBeMissing(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

export interface TextLimits {
  min: number;
  max: number;
  /** Whether white space alone is refused. */
  notBlank?: boolean;
}

/** Complains unless the value is storable text of `min` to `max` code points. */
export function textComplaint({ min, max, notBlank = false }: TextLimits): ValueComplaint {
  return (value) => {
    if (typeof value !== 'string') return 'must be a string';
    if (!isStorable(value)) return 'must be Unicode text without NUL';
    const length = codePoints(value);
    if (length < min || length > max) return `must have ${min} to ${max} characters`;
    if (notBlank && isBlank(value)) return 'must not be white space alone';
    return undefined;
  };
}

/**
 * A number in a query, whose property holds its text. Without an example where the parameter is no good for
 * everyone: Swagger UI fills examples in.
 */
export function IsQueryInteger(min: number, max: number, example?: number): PropertyDecorator {
  return Checked(
    (value) => (isInteger(value, min, max) ? undefined : `must be an integer from ${min} to ${max}`),
    {
      type: 'integer',
      minimum: min,
      maximum: max,
      example,
    },
  );
}

export const PASSWORD_DIGEST = /^[0-9a-f]{64}$/i;

/** The SHA-256 digest that clients send instead of a password. */
export function IsPasswordDigest(schema: ApiPropertyOptions = {}): PropertyDecorator {
  return Checked(
    (value) =>
      typeof value === 'string' && PASSWORD_DIGEST.test(value)
        ? undefined
        : 'must be 64 hexadecimal characters',
    {
      example: '5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8',
      minLength: 64,
      maxLength: 64,
      pattern: '^[0-9a-fA-F]{64}$',
      ...schema,
    },
  );
}
