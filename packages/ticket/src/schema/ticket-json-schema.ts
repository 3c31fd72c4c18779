import { z } from 'zod';
import { ticketSchemaUri } from '../ticket-event.ts';
import { ticketSchema } from './ticket-schema.ts';

/** The part of JSON Schema that zod writes for our types. Both drafts have it. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly $id?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly [keyword: string]: unknown;
}

const DESCRIPTION =
  "The value of a record of the tickets topic: a ticket of Zendesk's incremental export, byte for byte as Zendesk sent it. " +
  "Guaranteed of every record: a JSON object whose `id` is the record's key, with at least one usable time. All else is what Zendesk is " +
  'known to send: any field may be null or missing, unknown fields and values come every year, and a ticket that differs is published all the same.';

/** @returns draft 2020-12, as published by version */
export function ticketJsonSchema(version: number): JsonSchema {
  const { $schema, ...body } = toJsonSchema('draft-2020-12');
  return {
    ...($schema === undefined ? {} : { $schema }),
    $id: ticketSchemaUri(version),
    title: 'Ticket',
    description: DESCRIPTION,
    ...body,
  };
}

/** @returns draft 07, for AsyncAPI, whose parser lets payloads of other drafts pass unchecked */
export function ticketJsonSchemaDraft7(): JsonSchema {
  const { $schema: _, ...body } = toJsonSchema('draft-7');
  return { title: 'Ticket', description: DESCRIPTION, ...body };
}

function toJsonSchema(target: 'draft-2020-12' | 'draft-7'): JsonSchema {
  return tidied(z.toJSONSchema(ticketSchema, { target }) as JsonSchema);
}

/**
 * As people and generators of code expect it: `{type: [X, null]}` for `anyOf: [{type: X}, {type: null}]`, and `true` for
 * the `{}` that leaves an object open.
 */
function tidied(schema: JsonSchema): JsonSchema {
  const { properties, items, anyOf, additionalProperties, ...rest } = schema;
  const inner: Record<string, unknown> = {
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, field]) => [name, tidied(field)]),
          ),
        }),
    ...(items === undefined ? {} : { items: tidied(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: true }),
  };
  if (additionalProperties === false) throw new Error('an object of the ticket schema is closed');
  if (anyOf === undefined) return { ...rest, ...inner };
  const types = anyOf.map(tidied);
  const [type, other] = types;
  if (types.length === 2 && typeof type?.type === 'string' && other?.type === 'null') {
    return { ...rest, ...type, type: [type.type, 'null'] };
  }
  return { ...rest, ...inner, anyOf: types };
}
