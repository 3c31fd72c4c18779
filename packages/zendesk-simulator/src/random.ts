/**
 * Everything the simulator invents comes from here: numbers that are a function of what they are asked for (the
 * seed, a purpose, a ticket, a version) and of nothing else, so that the same history has the same bytes for ever.
 */

/** What a stream of numbers is for: two purposes never share a stream. */
export const purpose = {
  creation: 1,
  life: 2,
  facets: 3,
  action: 4,
  live: 5,
  bulk: 6,
  ties: 7,
  text: 8,
  support: 9,
  people: 10,
  faults: 11,
  metrics: 12,
} as const;

/** Mixes any count of integers into 32 bits (the finalizer of MurmurHash3 after each). */
export function mix(...parts: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const part of parts) {
    hash = scramble(hash ^ (part | 0));
    // What lies above 32 bits counts too: seconds after 2106 and seeds up to 2^53.
    const high = Math.floor(part / 0x1_0000_0000);
    if (high !== 0) hash = scramble(hash ^ high);
  }
  return hash >>> 0;
}

function scramble(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) + 0x6d2b79f5;
}

/** A stream of numbers (mulberry32); not for secrets. */
export class Random {
  private state: number;

  constructor(state: number) {
    this.state = state;
  }

  /** 32 bits. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return (word ^ (word >>> 14)) >>> 0;
  }

  /** In [0, 1). */
  fraction(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** An integer in [from, to]. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** One of `[weight, value]` pairs, by weight. */
  weighted<T>(choices: readonly (readonly [number, T])[]): T {
    let total = 0;
    for (const [weight] of choices) total += weight;
    let left = this.fraction() * total;
    let chosen = choices[0] as readonly [number, T];
    for (const choice of choices) {
      chosen = choice;
      left -= choice[0];
      if (left < 0) break;
    }
    return chosen[1];
  }
}
