import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { breakingChanges } from './breaking-changes.ts';
import { type JsonSchema, ticketJsonSchema } from './ticket-json-schema.ts';

const older: JsonSchema = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    status: { type: ['string', 'null'], examples: ['new'] },
    tags: { type: ['array', 'null'], items: { type: 'string' } },
    via: { type: 'object', properties: { channel: { type: 'string' } }, additionalProperties: true },
    value: {
      anyOf: [
        { type: 'string', pattern: '^a' },
        { type: 'object', properties: {}, additionalProperties: true },
      ],
    },
    any: {},
  },
  required: ['id'],
  additionalProperties: true,
};
type Edit = (schema: Writable) => void;
// biome-ignore lint/suspicious/noExplicitAny: a schema to be broken anywhere
type Writable = any;
const edited = (edit: Edit, schema: JsonSchema = older): JsonSchema => {
  const copy = structuredClone(schema);
  edit(copy);
  return copy;
};

describe('a new version of the schema', () => {
  it.each<[string, Edit]>([
    ['is the same', () => {}],
    [
      'has a field more',
      (s) => {
        s.properties.mood = { type: ['string', 'null'] };
      },
    ],
    [
      'has a field more further down',
      (s) => {
        s.properties.via.properties.rel = { type: 'string' };
      },
    ],
    [
      'has other texts',
      (s) => {
        s.description = 'x';
        s.properties.status.examples = ['new', 'open'];
        s.$id = 'urn:2';
      },
    ],
    [
      'lists types in another order',
      (s) => {
        s.properties.status.type = ['null', 'string'];
      },
    ],
  ])('may be used where it %s', (_name, edit) => {
    expect(breakingChanges(older, edited(edit))).toEqual([]);
  });

  it.each<[string, Edit, string]>([
    [
      'asks for a field',
      (s) => {
        s.required.push('status');
      },
      'the ticket: status became required',
    ],
    [
      'asks for a new field',
      (s) => {
        s.properties.mood = {};
        s.required.push('mood');
      },
      'the ticket: mood became required',
    ],
    [
      'asks for a field further down',
      (s) => {
        s.properties.via.required = ['channel'];
      },
      'via: channel became required',
    ],
    [
      'no longer promises a field',
      (s) => {
        s.required = [];
      },
      'the ticket: id is no longer required',
    ],
    [
      'forbids null',
      (s) => {
        s.properties.status.type = 'string';
      },
      'status: type was ["string","null"] and is "string"',
    ],
    [
      'allows another type',
      (s) => {
        s.properties.id.type = ['integer', 'string'];
      },
      'id: type was',
    ],
    [
      'narrows anything to something',
      (s) => {
        s.properties.any.type = 'string';
      },
      'any: type was absent',
    ],
    [
      'frees something',
      (s) => {
        s.properties.id = {};
      },
      'id: type was "integer" and is absent',
    ],
    [
      'drops a field',
      (s) => {
        delete s.properties.via;
      },
      'the ticket: via was removed',
    ],
    [
      'closes the ticket',
      (s) => {
        s.additionalProperties = false;
      },
      'the ticket: the object is closed',
    ],
    [
      'closes an object',
      (s) => {
        s.properties.via.additionalProperties = false;
      },
      'via: the object is closed',
    ],
    [
      'types what is not listed',
      (s) => {
        s.additionalProperties = { type: 'string' };
      },
      'the ticket: the object is closed',
    ],
    [
      'brings a closed object along',
      (s) => {
        s.properties.mood = { type: 'object', additionalProperties: false };
      },
      'mood: the object is closed',
    ],
    [
      'brings an enum along',
      (s) => {
        s.properties.mood = { type: 'string', enum: ['fine'] };
      },
      'mood: enum leaves no room',
    ],
    [
      'makes an enum of an open value',
      (s) => {
        s.properties.status.enum = ['new', null];
      },
      'status: enum was absent',
    ],
    [
      'asks for a pattern',
      (s) => {
        s.properties.via.properties.channel.pattern = '^a';
      },
      'via.channel: pattern was absent',
    ],
    [
      'changes a pattern',
      (s) => {
        s.properties.value.anyOf[0].pattern = '^b';
      },
      'value(1): pattern was "^a"',
    ],
    [
      'sets a limit',
      (s) => {
        s.properties.id.maximum = 1;
      },
      'id: maximum was absent',
    ],
    [
      'sets a format',
      (s) => {
        s.properties.status.format = 'date';
      },
      'status: format was absent',
    ],
    [
      'describes elements otherwise',
      (s) => {
        s.properties.tags.items.type = 'integer';
      },
      'tags[]: type was "string"',
    ],
    [
      'no longer describes elements',
      (s) => {
        delete s.properties.tags.items;
      },
      'tags: items are no longer',
    ],
    [
      'has a kind of value more',
      (s) => {
        s.properties.value.anyOf.push({ type: 'null' });
      },
      'value: could be 2',
    ],
    [
      'has a kind of value less',
      (s) => {
        s.properties.value.anyOf.pop();
      },
      'value: could be 2',
    ],
    [
      'uses a keyword nobody knows',
      (s) => {
        s.properties.id.not = {};
      },
      'id: not was absent',
    ],
  ])('breaks somebody where it %s', (_name, edit, why) => {
    expect(breakingChanges(older, edited(edit))).toContainEqual(expect.stringContaining(why));
  });

  it('breaks readers where an enum grows', () => {
    const closed = edited((s) => {
      s.properties.status.enum = ['new'];
    });
    const grown = edited((s) => {
      s.properties.status.enum = ['new', 'open'];
    });
    expect(breakingChanges(closed, grown)).toContainEqual('status: enum was ["new"] and is ["new","open"]');
  });
});

const published = ticketJsonSchema(1);
const places = schemasIn(published);
const place = fc.constantFrom(...places.keys());

describe('of the whole ticket', () => {
  test.prop([place, fc.constantFrom('required', 'type', 'closed', 'enum', 'pattern')], { numRuns: 500 })(
    'a break is found wherever it is',
    (at, how) => {
      const broken = structuredClone(published);
      const schema = schemasIn(broken)[at] as Writable;
      if (how === 'required') schema.required = [...(schema.required ?? []), 'a_new_field'];
      if (how === 'type') schema.type = 'boolean_or_so';
      if (how === 'closed') schema.additionalProperties = false;
      if (how === 'enum') schema.enum = ['x'];
      if (how === 'pattern') schema.pattern = '^$';
      expect(breakingChanges(published, broken)).not.toEqual([]);
    },
  );

  test.prop([
    place,
    fc.string(),
    fc.constantFrom<JsonSchema>({}, { type: 'string' }, { type: ['array', 'null'], items: {} }),
  ])('a field more is no break wherever it is', (at, name, field) => {
    const grown = structuredClone(published);
    const schema = schemasIn(grown)[at] as Writable;
    fc.pre(schema.properties === undefined || !Object.hasOwn(schema.properties, name));
    schema.properties = Object.fromEntries([...Object.entries(schema.properties ?? {}), [name, field]]);
    expect(breakingChanges(published, grown)).toEqual([]);
  });
});

/** The schema and every one inside it, in a fixed order. */
function schemasIn(schema: JsonSchema): JsonSchema[] {
  const inner = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.items === undefined ? [] : [schema.items]),
    ...(schema.anyOf ?? []),
  ];
  return [schema, ...inner.flatMap(schemasIn)];
}
