/**
 * Drops what the export repeats. Keeps promise 2, "nothing twice in the log", against the export's own repeats:
 * a page normally begins with the whole last second of the page before, in another order, and live polling shows
 * the newest second again at every request.
 *
 * The boundary is part of the checkpoint: of everything in the newest second, or without a usable
 * `generated_timestamp`, the first 16 hex digits of the digest last published, dead letters included. An entry is
 * carried on while its second lasts. Above 20,000 entries it stops filtering until the export moves on to another
 * second: what repeats then is written again, which is harmless (a sink sees the digest) but not free.
 */
export interface Boundary {
  /** Epoch seconds: the start_time of the request that shows these again. */
  readonly second: number;
  /**
   * By ticket id, or digest where a ticket has no id: 16 hex digits, followed by `@<second>` where the ticket was
   * generated after the boundary's second.
   */
  readonly digests: Readonly<Record<string, string>>;
  /** There were too many: nothing is filtered while this second lasts. */
  readonly overflowed: boolean;
}

export const BOUNDARY_ENTRIES_MAX = 20_000;
const DIGEST_CHARS = 16;

interface Noted {
  readonly digest: string;
  /** undefined: without a usable generated_timestamp. */
  readonly second: number | undefined;
}

/** One for each attempt at a page: an attempt that fails is thrown away with what it noted. */
export class BoundaryFilter {
  readonly #before: Boundary;
  readonly #entriesMax: number;
  readonly #noted = new Map<string, Noted>();
  /** Entries of seconds up to this one were let go: memory does not grow with the page. */
  #forgottenUpTo: number | undefined;
  #forgotTimeless: boolean = false;
  #oldestSecond = Number.POSITIVE_INFINITY;
  #newestSecond = Number.NEGATIVE_INFINITY;
  #sawTimeless: boolean = false;

  constructor(before: Boundary, entriesMax: number = BOUNDARY_ENTRIES_MAX) {
    this.#before = before;
    this.#entriesMax = entriesMax;
  }

  /** The latest `generated_timestamp` noted, epoch seconds; undefined where none was. */
  get newestSecond(): number | undefined {
    return Number.isFinite(this.#newestSecond) ? this.#newestSecond : undefined;
  }

  /** The second that all of the page so far lies in; undefined where it is several, or not known of each ticket. */
  get onlySecond(): number | undefined {
    return !this.#sawTimeless && this.#oldestSecond === this.#newestSecond ? this.#newestSecond : undefined;
  }

  /**
   * @param key     the ticket's id, or its digest where it has none
   * @param digest  hex digits, 16 or more
   * @returns true when the last that was published under this key, on this page or before, had this digest
   */
  isRepeat(key: string, digest: string): boolean {
    if (this.#before.overflowed) return false;
    const last = this.#noted.get(key)?.digest ?? this.#before.digests[key]?.slice(0, DIGEST_CHARS);
    return last === digest.slice(0, DIGEST_CHARS);
  }

  /**
   * To be called for every ticket of the page, repeats and dead letters included, after `isRepeat`.
   * @param generatedSecond  epoch seconds; undefined where the ticket has no usable `generated_timestamp`
   */
  note(key: string, digest: string, generatedSecond: number | undefined): void {
    if (generatedSecond === undefined) {
      this.#sawTimeless = true;
    } else {
      this.#oldestSecond = Math.min(this.#oldestSecond, generatedSecond);
      this.#newestSecond = Math.max(this.#newestSecond, generatedSecond);
    }
    if (generatedSecond === undefined && this.#forgotTimeless) return;
    this.#noted.set(key, { digest: digest.slice(0, DIGEST_CHARS), second: generatedSecond });
    // Three times the bound before letting go of any: each time, at least one bound of them goes.
    if (this.#noted.size > 3 * this.#entriesMax) this.#forget();
  }

  /** The boundary for the request that begins at `nextStartTime`. */
  close(nextStartTime: number): Boundary {
    const sameSecond = nextStartTime === this.#before.second;
    const overflow: Boundary = { second: nextStartTime, digests: {}, overflowed: true };
    if (this.#before.overflowed && sameSecond) return overflow;
    if (this.#forgotTimeless || (this.#forgottenUpTo !== undefined && nextStartTime <= this.#forgottenUpTo)) {
      return overflow;
    }
    const digests: Record<string, string> = {};
    let entries = 0;
    for (const [key, entry] of Object.entries(this.#before.digests)) {
      if (this.#noted.has(key)) continue;
      const [digest, laterText] = entry.split('@') as [string, string?];
      const later = laterText === undefined ? undefined : Number(laterText);
      if (!(sameSecond || (later !== undefined && later >= nextStartTime))) continue;
      digests[key] = written(digest, later, nextStartTime);
      entries++;
    }
    for (const [key, { digest, second }] of this.#noted) {
      if (second !== undefined && second < nextStartTime) continue;
      digests[key] = written(digest, second, nextStartTime);
      entries++;
    }
    return entries > this.#entriesMax ? overflow : { second: nextStartTime, digests, overflowed: false };
  }

  /**
   * Which second the page ends with is known at its end only; the newest are the likely ones, so the bound's worth
   * of newest entries stays. Should the page end with a second that was let go, `close` overflows.
   */
  #forget(): void {
    const seconds: number[] = [];
    let timeless = 0;
    for (const { second } of this.#noted.values()) {
      if (second === undefined) timeless++;
      else seconds.push(second);
    }
    // Those without a second are carried whatever the page ends with: above the bound, it is an overflow already.
    if (timeless > this.#entriesMax) this.#forgotTimeless = true;
    seconds.sort((a, b) => b - a);
    const oldestKept = seconds[this.#entriesMax - 1];
    const newestBeyond = seconds[this.#entriesMax];
    if (oldestKept !== undefined && newestBeyond !== undefined) {
      // A second that alone passes the bound goes whole: ending with it would be an overflow in any case.
      this.#forgottenUpTo = newestBeyond;
    }
    for (const [key, { second }] of this.#noted) {
      const goes = second === undefined ? this.#forgotTimeless : second <= (this.#forgottenUpTo ?? -1);
      if (goes) this.#noted.delete(key);
    }
  }
}

function written(digest: string, second: number | undefined, boundarySecond: number): string {
  return second !== undefined && second > boundarySecond ? `${digest}@${second}` : digest;
}
