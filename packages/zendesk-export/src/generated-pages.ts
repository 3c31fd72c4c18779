import fc from 'fast-check';
import { SIDELOADS } from './page-agreement.ts';
import { type Damage, INSERTS, SIGNIFICANT } from './page-damage.ts';
import type { ExportMode } from './page-fields.ts';
import { randomFrom } from './seeded-random.ts';

/**
 * Export pages of every shape that JSON allows, for property tests: what a page says, and the bytes that say it
 * with random whitespace, escapes and order of keys.
 */
export interface GeneratedPage {
  readonly bytes: Buffer;
  /** The mode whose control fields it has. */
  readonly mode: ExportMode;
  /** Each element of the tickets array, byte for byte. */
  readonly tickets: readonly Buffer[];
  /** Each element of these sideloads, byte for byte. */
  readonly records: ReadonlyMap<string, readonly Buffer[]>;
  readonly control: Readonly<Record<string, unknown>>;
}

/** A number as its digits: doubles do not hold them all. */
class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Json =
  | null
  | boolean
  | string
  | Digits
  | readonly Json[]
  | { readonly pairs: readonly (readonly [string, Json])[] };

const digits = fc
  .oneof(
    fc.integer().map(String),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
    fc.constantFrom('0', '-0', '0.10', '1E5', '2e-7', '1.0000000000000000001', '9007199254740993'),
  )
  .map((text) => new Digits(text));

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('tickets', '"', '\\', '\\"', ']}', '{"tickets":[', 'null', ',', '\u2028', '\u0000', '😀'),
  // Longer than what the scanner looks at byte by byte, with and without something to stumble over.
  fc.string({ minLength: 30, maxLength: 300 }),
);

const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    text,
    digits,
    fc.constantFrom(null, true, false),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(text, tie('value')), { maxLength: 5 }).map((pairs) => ({ pairs })),
  ),
})).value;

/** Few, so that tickets and records meet. */
const relatedId = fc.integer({ min: 1, max: 4 }).map((id) => new Digits(String(id)));
const relation = fc.oneof(
  fc.tuple(
    fc.constantFrom('requester_id', 'submitter_id', 'assignee_id', 'group_id', 'organization_id'),
    fc.oneof(relatedId, fc.constant(null)),
  ),
  fc.tuple(
    fc.constantFrom('collaborator_ids', 'follower_ids', 'email_cc_ids'),
    fc.array(relatedId, { maxLength: 5 }),
  ),
);

const ticket: fc.Arbitrary<Json> = fc
  .record({
    id: fc
      .oneof(fc.integer({ min: 1 }), fc.bigInt({ min: 1n, max: 2n ** 63n }), fc.integer({ min: 1, max: 4 }))
      .map((id) => new Digits(String(id))),
    relations: fc.array(relation, { maxLength: 4 }),
    rest: fc.array(fc.tuple(text, json), { maxLength: 6 }),
    generated: fc.integer({ min: 1 }).map((second) => new Digits(String(second))),
  })
  .map(({ id, relations, rest, generated }) => ({
    pairs: [['id', id], ...relations, ...rest, ['generated_timestamp', generated]],
  }));

const record: fc.Arbitrary<Json> = fc
  .record({ id: relatedId, rest: fc.array(fc.tuple(text, json), { maxLength: 3 }) })
  .map(({ id, rest }) => ({ pairs: [['id', id], ['ticket_id', id], ...rest] }));

const timeControl = fc.record(
  {
    count: fc.nat(),
    end_of_stream: fc.boolean(),
    next_page: fc.oneof(
      fc
        .nat()
        .map(
          (second) => `https://z3n.example/api/v2/incremental/tickets.json?per_page=1&start_time=${second}`,
        ),
      fc.constant(null),
    ),
    end_time: fc.nat(),
  },
  { requiredKeys: ['end_time'] },
);

const cursorControl = fc.record(
  {
    after_url: fc.constant(
      'https://z3n.example/api/v2/incremental/tickets/cursor.json?cursor=MTUwMC4wfHwyfA%3D%3D',
    ),
    before_url: fc.constant(null),
    after_cursor: fc.oneof(fc.base64String({ minLength: 4, maxLength: 60 }), fc.constant(null)),
    before_cursor: fc.constant(null),
    end_of_stream: fc.boolean(),
  },
  { requiredKeys: ['after_cursor'] },
);

const control = fc.oneof(
  fc.record({ mode: fc.constant('time' as const), fields: timeControl }),
  fc.record({ mode: fc.constant('cursor' as const), fields: cursorControl }),
);

/** Keys that stand in a page once. */
const OWN_KEYS = [...SIDELOADS, 'tickets', 'count', 'end_of_stream', 'next_page', 'end_time', 'after_cursor'];

const sideloads = fc.array(
  fc.record({
    array: fc.constantFrom(...SIDELOADS),
    records: fc.array(fc.oneof({ arbitrary: record, weight: 4 }, { arbitrary: json, weight: 1 }), {
      maxLength: 5,
    }),
  }),
  { maxLength: 3 },
);

/** Keys that mean nothing to anyone here. */
const others = fc.array(
  fc.tuple(
    text.filter((key) => !OWN_KEYS.includes(key)),
    fc.oneof(json, fc.constant({ pairs: [['tickets', [{ pairs: [['id', new Digits('1')]] }]]] } as Json)),
  ),
  { maxLength: 3 },
);

export const generatedPage: fc.Arbitrary<GeneratedPage> = pages(false);

/**
 * No key of these needs or has an escape: V8's JSON.parse mistakes such keys for others (nodejs/node#63785), and where
 * records are put to their tickets, it is what reads the ids.
 */
export const plainKeyedPage: fc.Arbitrary<GeneratedPage> = pages(true);

function pages(plainKeys: boolean): fc.Arbitrary<GeneratedPage> {
  return fc
    .record({
      tickets: fc.array(fc.oneof({ arbitrary: ticket, weight: 4 }, { arbitrary: json, weight: 1 }), {
        maxLength: 6,
      }),
      control,
      sideloads,
      others,
      seed: fc.integer({ min: 1 }),
      bom: fc.boolean(),
      asZendeskOrders: fc.boolean(),
    })
    .map((parts) => {
      const writer = new JsonWriter(randomFrom(parts.seed), plainKeys);
      const { mode, fields } = parts.control;
      const tickets = parts.tickets.map((value) => writer.value(value));
      const records = new Map(
        parts.sideloads.map(({ array, records: values }) => [
          array,
          values.map((value) => writer.value(value)),
        ]),
      );
      const pairs = [
        writer.array('tickets', tickets),
        ...Object.entries(fields).map(
          ([key, value]) =>
            `${writer.string(key)}:${writer.space()}${typeof value === 'string' ? writer.string(value) : JSON.stringify(value)}`,
        ),
        ...[...records].map(([key, elements]) => writer.array(key, elements)),
        ...parts.others.map(([key, value]) => `${writer.key(key)}:${writer.value(value)}`),
      ];
      if (!parts.asZendeskOrders) shuffle(pairs, writer.random);
      const page = `${parts.bom ? '\ufeff' : ''}${writer.space()}{${writer.space()}${pairs.join(`${writer.space()},${writer.space()}`)}}${writer.space()}`;
      return {
        bytes: Buffer.from(page),
        mode,
        tickets: tickets.map((element) => Buffer.from(element)),
        records: new Map(
          [...records].map(([key, elements]) => [key, elements.map((element) => Buffer.from(element))]),
        ),
        control: fields,
      };
    });
}

/** Sizes of chunks, used in turn. */
export const chunking: fc.Arbitrary<readonly number[]> = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 2_000 })),
  { minLength: 1, maxLength: 8 },
);

const damageOf: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }),
  fc.record({
    kind: fc.constant('flip' as const),
    at: fc.nat(),
    byte: fc.constantFrom(...Buffer.from(SIGNIFICANT)),
  }),
  fc.record({ kind: fc.constant('drop' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ kind: fc.constant('double' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), text: fc.constantFrom(...INSERTS) }),
  fc.record({
    kind: fc.constant('splice' as const),
    at: fc.nat(),
    from: fc.nat(),
    length: fc.integer({ min: 1, max: 200 }),
  }),
);
export const damages: fc.Arbitrary<readonly Damage[]> = fc.array(damageOf, { minLength: 1, maxLength: 3 });

class JsonWriter {
  readonly random: () => number;
  readonly #plainKeys: boolean;

  constructor(random: () => number, plainKeys: boolean) {
    this.random = random;
    this.#plainKeys = plainKeys;
  }

  value(value: Json): string {
    if (value === null || typeof value === 'boolean') return String(value);
    if (typeof value === 'string') return this.string(value);
    if (value instanceof Digits) return value.text;
    if ('pairs' in value) {
      const pairs = value.pairs.map(
        ([key, item]) => `${this.space()}${this.key(key)}${this.space()}:${this.space()}${this.value(item)}`,
      );
      return `{${pairs.join(',')}${this.space()}}`;
    }
    return `[${value.map((item) => `${this.space()}${this.value(item)}`).join(',')}${this.space()}]`;
  }

  key(key: string): string {
    // What JSON writes as an escape: quotes, backslashes, control characters, lone surrogates.
    return this.#plainKeys ? JSON.stringify(key.replace(/["\\\p{Cc}\p{Cs}]/gu, '')) : this.string(key);
  }

  /** As JSON.stringify, with some characters escaped that need not be. */
  string(value: string): string {
    const plain = JSON.stringify(value);
    if (this.random() < 0.6) return plain;
    let out = '"';
    for (let index = 0; index < value.length; index++) {
      const unit = value.charCodeAt(index);
      if (this.random() < 0.3) out += `\\u${unit.toString(16).padStart(4, '0')}`;
      else if (unit === 0x2f && this.random() < 0.5) out += '\\/';
      else if (unit >= 0xd800 && unit <= 0xdfff) out += `\\u${unit.toString(16)}`;
      else out += JSON.stringify(value.charAt(index)).slice(1, -1);
    }
    return `${out}"`;
  }

  array(key: string, elements: readonly string[]): string {
    const items = elements.map((element) => `${this.space()}${element}${this.space()}`);
    return `${this.string(key)}${this.space()}:${this.space()}[${items.join(',') || this.space()}]`;
  }

  space(): string {
    if (this.random() < 0.7) return '';
    return [' ', '\n', '\t', '\r\n', '   '][Math.floor(this.random() * 5)] ?? '';
  }
}

function shuffle(values: string[], random: () => number): void {
  for (let last = values.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const [a, b] = [values[last], values[other]];
    if (a === undefined || b === undefined) continue;
    values[last] = b;
    values[other] = a;
  }
}
