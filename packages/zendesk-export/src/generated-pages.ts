import fc from 'fast-check';
import type { ExportMode } from './page-fields.ts';

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

const ticket: fc.Arbitrary<Json> = fc
  .record({
    id: fc
      .oneof(fc.integer({ min: 1 }), fc.bigInt({ min: 1n, max: 2n ** 63n }))
      .map((id) => new Digits(String(id))),
    rest: fc.array(fc.tuple(text, json), { maxLength: 6 }),
    generated: fc.integer({ min: 1 }).map((second) => new Digits(String(second))),
  })
  .map(({ id, rest, generated }) => ({ pairs: [['id', id], ...rest, ['generated_timestamp', generated]] }));

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

/** Control fields of both modes: a key of a sideload is none of them. */
const CONTROL_KEYS = ['tickets', 'count', 'end_of_stream', 'next_page', 'end_time', 'after_cursor'];

const sideloads = fc.array(
  fc.tuple(
    text.filter((key) => !CONTROL_KEYS.includes(key)),
    fc.oneof(json, fc.constant({ pairs: [['tickets', [{ pairs: [['id', new Digits('1')]] }]]] } as Json)),
  ),
  { maxLength: 3 },
);

export const generatedPage: fc.Arbitrary<GeneratedPage> = fc
  .record({
    tickets: fc.array(fc.oneof({ arbitrary: ticket, weight: 4 }, { arbitrary: json, weight: 1 }), {
      maxLength: 6,
    }),
    control,
    sideloads,
    seed: fc.integer({ min: 1 }),
    bom: fc.boolean(),
    asZendeskOrders: fc.boolean(),
  })
  .map(({ tickets, control: { mode, fields }, sideloads: others, seed, bom, asZendeskOrders }) => {
    const random = randomFrom(seed);
    const written = tickets.map((value) => Buffer.from(write(value, random)));
    const elements = written.map((bytes) => `${space(random)}${bytes.toString()}${space(random)}`);
    const pairs = [
      `${writeString('tickets', random)}${space(random)}:${space(random)}[${elements.join(',') || space(random)}]`,
      ...Object.entries(fields).map(
        ([key, value]) =>
          `${writeString(key, random)}:${space(random)}${
            typeof value === 'string' ? writeString(value, random) : JSON.stringify(value)
          }`,
      ),
      ...others.map(([key, value]) => `${writeString(key, random)}:${write(value, random)}`),
    ];
    if (!asZendeskOrders) shuffle(pairs, random);
    const page = `${bom ? '\ufeff' : ''}${space(random)}{${space(random)}${pairs.join(`${space(random)},${space(random)}`)}}${space(random)}`;
    return { bytes: Buffer.from(page), mode, tickets: written, control: fields };
  });

/** Sizes of chunks, used in turn. */
export const chunking: fc.Arbitrary<readonly number[]> = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 2_000 })),
  { minLength: 1, maxLength: 8 },
);

export function chunksOf(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

function write(value: Json, random: () => number): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return writeString(value, random);
  if (value instanceof Digits) return value.text;
  if ('pairs' in value) {
    const pairs = value.pairs.map(
      ([key, item]) =>
        `${space(random)}${writeString(key, random)}${space(random)}:${space(random)}${write(item, random)}`,
    );
    return `{${pairs.join(',')}${space(random)}}`;
  }
  return `[${value.map((item) => `${space(random)}${write(item, random)}`).join(',')}${space(random)}]`;
}

/** As JSON.stringify, with some characters escaped that need not be. */
function writeString(value: string, random: () => number): string {
  const plain = JSON.stringify(value);
  if (random() < 0.6) return plain;
  let out = '"';
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    if (random() < 0.3) out += `\\u${unit.toString(16).padStart(4, '0')}`;
    else if (unit === 0x2f && random() < 0.5) out += '\\/';
    else if (unit >= 0xd800 && unit <= 0xdfff) out += `\\u${unit.toString(16)}`;
    else out += JSON.stringify(value.charAt(index)).slice(1, -1);
  }
  return `${out}"`;
}

function space(random: () => number): string {
  if (random() < 0.7) return '';
  return [' ', '\n', '\t', '\r\n', '   '][Math.floor(random() * 5)] ?? '';
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

/** mulberry32: the same page for the same seed, so that fast-check can shrink. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
