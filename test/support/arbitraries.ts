import * as fc from 'fast-check';
import { countCodePoints } from '#src/helpers/text.js';
import type { Json } from './parley.js';

/** Returns values that a schema of the OpenAPI document allows. */
export function valuesOf(document: Json, schema: Json): fc.Arbitrary<unknown> {
  if (schema.$ref) return valuesOf(document, document.components.schemas[schema.$ref.split('/').at(-1)]);
  if (schema.oneOf) return fc.oneof(...schema.oneOf.map((each: Json) => valuesOf(document, each)));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.type === 'integer') {
    const { minimum: min = 0, maximum: max = Number.MAX_SAFE_INTEGER } = schema;
    return fc.oneof(
      fc.integer({ min, max: Math.min(max, min + 20) }),
      fc.maxSafeInteger().map((n) => clamp(n, min, max)),
    );
  }
  if (schema.type === 'array') {
    return fc.array(valuesOf(document, schema.items), { minLength: schema.minItems ?? 0, maxLength: 4 });
  }
  if (schema.type === 'object') return objectsOf(document, schema);
  return stringsOf(schema);
}

function stringsOf({ pattern, format, example, minLength = 0, maxLength = 200 }: Json): fc.Arbitrary<string> {
  if (format === 'uuid') return fc.uuid();
  const bounds = (text: string) => {
    const length = countCodePoints(text);
    return length >= minLength && length <= maxLength && !text.includes('\0');
  };
  const any = pattern
    ? fc.stringMatching(new RegExp(pattern === '\\S' ? '^[a-zA-Z😀é ]*\\S$' : asciiOnly(pattern)))
    : fc.string({ unit: 'grapheme', maxLength: Math.min(maxLength, 200) });
  return fc.oneof(fc.constant(example ?? 'text').filter(bounds), any.filter(bounds));
}

/** fast-check does not know Unicode properties. */
function asciiOnly(pattern: string): string {
  return pattern
    .replace('(?!\\.+$)', '')
    .replaceAll('\\p{L}\\p{M}*', '[a-z]')
    .replaceAll('\\p{Nd}', '[0-9]')
    .replaceAll('\\p{Cc}', '');
}

function objectsOf(document: Json, schema: Json): fc.Arbitrary<object> {
  const { properties = {}, required = [], anyOf = [{}], dependentRequired = {} } = schema;
  const fields = Object.entries<Json>(properties).map(([name, each]) => [name, valuesOf(document, each)]);
  return fc
    .record(Object.fromEntries(fields), { requiredKeys: required })
    .filter((value) =>
      anyOf.some((each: Json) => (each.required ?? []).every((name: string) => name in value)),
    )
    .filter((value) =>
      Object.entries<string[]>(dependentRequired).every(
        ([name, others]) => !(name in value) || others.every((other) => other in value),
      ),
    );
}

const clamp = (value: number, min: number, max: number) => Math.min(Math.max(value, min), max);
