import { chunksOf, type PageRequest, SIDELOADS } from '../page-agreement.ts';
import { type Damage, damage, INSERTS, SIGNIFICANT } from '../page-damage.ts';
import type { ExportMode } from '../page-fields.ts';
import type { PageLimits } from '../page-stream.ts';
import { mixed, randomFrom } from '../seeded-random.ts';

/**
 * The pages of a fuzz campaign: damaged pages, each a function of the campaign's seed and its own number, so that a campaign
 * goes on anywhere and one page is made again alone.
 */
export interface FuzzedPage {
  readonly bytes: Buffer;
  readonly chunks: readonly Buffer[];
  readonly request: PageRequest;
  /** Nothing of it can be over the limits: stream-json alone must agree. */
  readonly unlimited: boolean;
}

/** Pages that are damaged from the same whole ones. */
export const BLOCK_PAGES = 5_000;
/** One damaged page in this many comes from a lifelike one: they are large, and take as much time as the rest. */
const LIFELIKE_EVERY = 20;

const wide: PageLimits = { ticketBytesMax: 50_000_000, pageBytesMax: 50_000_000, depthMax: 5_000 };
/** What generated pages pass often. */
const narrow: PageLimits = { ticketBytesMax: 400, pageBytesMax: 6_000, depthMax: 4 };

export interface WholePage {
  readonly bytes: Uint8Array;
  readonly mode: ExportMode;
}

/** The whole pages that those of one block are made from. */
export interface FuzzCorpus {
  readonly shapes: readonly WholePage[];
  readonly lifelike: readonly WholePage[];
}

export class FuzzedPages {
  readonly #seed: number;
  readonly #block: number;
  readonly #corpus: FuzzCorpus;

  constructor(seed: number, block: number, corpus: FuzzCorpus) {
    this.#seed = seed;
    this.#block = block;
    this.#corpus = corpus;
  }

  /** @param index  within the block */
  page(index: number): FuzzedPage {
    const number = this.#block * BLOCK_PAGES + index;
    const random = randomFrom(mixed(this.#seed ^ 0x5bd1e995, number));
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
    const whole = pick(number % LIFELIKE_EVERY === 0 ? this.#corpus.lifelike : this.#corpus.shapes);
    const other = pick(this.#corpus.shapes);
    const changes = Array.from({ length: 1 + Math.floor(random() ** 2 * 5) }, () =>
      anyDamage(random, Buffer.from(other.bytes)),
    );
    const bytes = damage(Buffer.from(whole.bytes), changes);
    const unlimited = random() < 0.6;
    const limits = unlimited ? wide : narrow;
    const lifted = random() < 0.5 ? [] : SIDELOADS.filter(() => random() < 0.6);
    const mode = random() < 0.95 ? whole.mode : pick<ExportMode>(['time', 'cursor']);
    return {
      bytes,
      chunks: chunksOf(bytes, chunkSizes(random, bytes.length)),
      request: { mode, lifted, limits },
      unlimited,
    };
  }
}

function anyDamage(random: () => number, other: Buffer): Damage {
  const upTo = (limit: number) => Math.floor(random() * limit);
  const at = upTo(2 ** 31);
  switch (upTo(9)) {
    case 0:
      return { kind: 'flip', at, byte: upTo(256) };
    case 1:
    case 2:
      return { kind: 'flip', at, byte: SIGNIFICANT.charCodeAt(upTo(SIGNIFICANT.length)) };
    case 3:
      return { kind: 'drop', at, length: 1 + upTo(random() < 0.8 ? 4 : 400) };
    case 4:
      return { kind: 'double', at, length: 1 + upTo(random() < 0.8 ? 20 : 2_000) };
    case 5:
      return { kind: 'insert', at, text: INSERTS[upTo(INSERTS.length)] ?? '' };
    case 6:
      return { kind: 'splice', at, from: upTo(2 ** 31), length: 1 + upTo(500) };
    case 7: {
      // A part of another page.
      const from = upTo(other.length);
      return { kind: 'insert', at, text: other.toString('latin1', from, from + upTo(500)) };
    }
    default:
      return random() < 0.2 ? { kind: 'cut', at } : { kind: 'insert', at, text: pressure(random) };
  }
}

/** What costs a careless reader time or memory. */
function pressure(random: () => number): string {
  const length = 1 + Math.floor(random() ** 4 * 2_000);
  const units = [
    '[',
    '{"a":',
    '\\',
    '\\"',
    '"',
    '9',
    '\u00c3',
    '\u00f0\u009f',
    '[],',
    ' ',
    '\\u0074',
    '\u0000',
  ];
  return (units[Math.floor(random() * units.length)] ?? '').repeat(length);
}

function chunkSizes(random: () => number, length: number): number[] {
  if (random() < 0.1) return [length + 1];
  // Byte by byte only where it is short: a chunk costs more than its bytes.
  const least = Math.ceil(length / 200);
  return Array.from(
    { length: 1 + Math.floor(random() * 4) },
    () => least + Math.floor(random() ** 2 * 2_000),
  );
}
