/**
 * What to do with a page that is whole but whose `count` is not the number of its tickets.
 *
 * `count` may be right and the page cut at a valid-looking place, so the page is fetched again, twice at most, a
 * second apart; if it stays so it is accepted, with a warning. After three such pages in a row the account's `count`
 * evidently means something else, and is no criterion any more in this run, which the last warning says.
 */
export type CountVerdict = 'accept' | 'fetch_again' | 'accept_loudly';

/** Between two attempts at the same page; the pace of requests may ask for more. */
export const COUNT_RETRY_WAIT_MS = 1_000;
const REFETCHES_MAX = 2;
const PAGES_IN_A_ROW_MAX = 3;

export class CountRule {
  #refetches = 0;
  #inARow = 0;

  /** True once three pages in a row were accepted although their count differed. */
  get ignored(): boolean {
    return this.#inARow >= PAGES_IN_A_ROW_MAX;
  }

  /** To be asked once for every whole page, before it is committed; `fetch_again`: the next page asked about is the same. */
  judge(page: { readonly count: number | undefined; readonly ticketCount: number }): CountVerdict {
    if (this.ignored) return 'accept';
    if (page.count === undefined || page.count === page.ticketCount) {
      this.#refetches = 0;
      this.#inARow = 0;
      return 'accept';
    }
    if (this.#refetches < REFETCHES_MAX) {
      this.#refetches++;
      return 'fetch_again';
    }
    this.#refetches = 0;
    this.#inARow++;
    return 'accept_loudly';
  }
}
