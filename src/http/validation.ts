import { applyDecorators } from '@nestjs/common';
import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { ValidateBy, ValidateIf } from 'class-validator';
import { invalidInput } from '../errors/errors.js';
import { countCodePoints, isBlank, isStorable } from '../helpers/text.js';
import { integerRule, isDecimalInteger } from './parameters.js';

/** Returns what is wrong with a value, worded to follow `field 'x' `, or `undefined`. */
export type Validator<Dto = unknown> = (value: unknown, dto: Dto) => string | undefined;

export function Validated<Dto>(validator: Validator<Dto>, schema: ApiPropertyOptions): PropertyDecorator {
  return applyDecorators(
    ApiProperty(schema),
    ValidateBy({
      name: 'validated',
      validator: {
        validate: (value: unknown, args) => validator(value, args?.object as Dto) === undefined,
        defaultMessage: (args) => validator(args?.value, args?.object as Dto) ?? '',
      },
    }),
  );
}

/** Allows a property to be missing. Unlike class-validator's `IsOptional`, it does not allow `null`. */
export function OptionalField(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

interface TextBounds {
  /** In code points. */
  min: number;
  max: number;
  notBlank?: boolean;
}

/** Documents the bounds that it checks. */
export function IsText(bounds: TextBounds, example: string): PropertyDecorator {
  const pattern = bounds.notBlank ? '\\S' : undefined;
  const schema = { type: String, minLength: bounds.min, maxLength: bounds.max, pattern, example };
  return Validated(textValidator(bounds), schema);
}

export function textValidator({ min, max, notBlank }: TextBounds) {
  return (value: unknown): string | undefined => {
    if (typeof value !== 'string') return 'must be a string';
    if (!isStorable(value)) return 'must be Unicode text without NUL';
    const length = countCodePoints(value);
    if (length < min || length > max) return `must have ${min} to ${max} characters`;
    if (notBlank && isBlank(value)) return 'must not be white space alone';
    return undefined;
  };
}

/** Accepts the text of an integer in a query. Swagger UI fills the example in, which suits not every parameter. */
export function IsQueryInteger(min: number, max: number, example?: number): PropertyDecorator {
  return Validated((value) => (isDecimalInteger(value, min, max) ? undefined : integerRule(min, max)), {
    type: 'integer',
    minimum: min,
    maximum: max,
    example,
  });
}

/** Accepts a JSON integer from 0 to 2^53 - 1. */
export function IsIndex(example: number): PropertyDecorator {
  const max = Number.MAX_SAFE_INTEGER;
  const isIndex = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  const schema = { type: 'integer', minimum: 0, maximum: max, example } as const;
  return Validated((value) => (isIndex(value) ? undefined : integerRule(0, max)), schema);
}

const NO_DIGEST = 'must be 64 hexadecimal characters';

/** An error of {@link IsPasswordDigest}, for the document. */
export const malformedPassword = () => invalidInput('field', 'password', NO_DIGEST);

export function IsPasswordDigest(): PropertyDecorator {
  return Validated(
    (value) => (typeof value === 'string' && /^[0-9a-f]{64}$/i.test(value) ? undefined : NO_DIGEST),
    {
      example: '5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8',
      minLength: 64,
      maxLength: 64,
      pattern: '^[0-9a-fA-F]{64}$',
    },
  );
}
