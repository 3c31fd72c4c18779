/**
 * `per_page` as it is asked for: halved after a page that Zendesk or we could not get through in time (504, the page
 * budget, the page's byte limit), doubled again after ten good pages in a row. Without the halving a heavy page is asked for
 * again for ever; without the recovery one bad hour makes a backfill slow for good.
 */
export interface PageSize {
  readonly current: number;
  /** @returns false when it is at its smallest already: stop, with the remedy */
  halve(): boolean;
  /** After each page that was committed. */
  succeeded(): void;
}

const GOOD_PAGES_TO_DOUBLE = 10;
const SMALLEST = 1;

export function createPageSize(wanted: number): PageSize {
  let current = wanted;
  let good = 0;
  return {
    get current() {
      return current;
    },
    halve() {
      good = 0;
      if (current <= SMALLEST) return false;
      current = Math.max(SMALLEST, Math.floor(current / 2));
      return true;
    },
    succeeded() {
      if (current === wanted) return;
      good++;
      if (good < GOOD_PAGES_TO_DOUBLE) return;
      good = 0;
      current = Math.min(wanted, current * 2);
    },
  };
}
