/**
 * What a field of Zendesk's JSON can be, as zod types. They describe, they do not police: whatever Zendesk sends is
 * published. So every kind is as wide as the promise that is made of it: any field may be null or missing, an object
 * may have more fields, a string of known values may hold another.
 */
import { z } from 'zod';

/** `examples` are values that Zendesk is known to send, never all that it may send. */
export interface FieldText {
  readonly description: string;
  readonly examples?: readonly unknown[];
}

export const text = (about: FieldText) => nullable(z.string(), about);
export const flag = (about: FieldText) => nullable(z.boolean(), about);
export const decimal = (about: FieldText) => nullable(z.number(), about);

/**
 * Not `z.int()`: that stops at 2^53, and an id or a field of this kind has 64 bits. `int64` tells generators of code
 * that an `int` of 32 bits is too small.
 */
export const integer = (about: FieldText) =>
  nullable(z.number().meta({ type: 'integer', format: 'int64' }), about);

/** RFC 3339. An annotation: a ticket whose time is not readable is published as long as another of its times is. */
export const moment = (about: FieldText) => nullable(z.string().meta({ format: 'date-time' }), about);

/** A value out of a set that Zendesk has widened before (`hold`, custom channels) and will again. */
export const openEnum = (known: readonly string[], description: string) =>
  nullable(z.string(), { description: `${description} Other values may come.`, examples: known });

export const listOf = <T extends z.ZodType>(item: T, about: FieldText) => nullable(z.array(item), about);
export const ids = (about: FieldText) => listOf(z.number().meta({ type: 'integer', format: 'int64' }), about);

export const object = <T extends z.ZodRawShape>(shape: T, about: FieldText) =>
  nullable(z.looseObject(shape), about);

/** Any JSON. */
export const anything = (about: FieldText) => z.unknown().optional().meta(metaOf(about));

function nullable<T extends z.ZodType>(type: T, about: FieldText) {
  return type.nullable().exactOptional().meta(metaOf(about));
}

function metaOf({ description, examples }: FieldText) {
  return examples === undefined ? { description } : { description, examples: [...examples] };
}
