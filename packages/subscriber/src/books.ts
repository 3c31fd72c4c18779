/**
 * Promise 5, "everything counted": applied + duplicate + stale + skipped + deadLettered = consumed, always.
 *
 * `consumed` is counted where the Kafka client hands records over, outcomes where they are decided; both are added
 * up in the sink's own transaction with the position, so that a killed batch counts on neither side.
 */
export interface Books {
  readonly consumed: number;
  readonly applied: number;
  readonly duplicate: number;
  readonly stale: number;
  readonly skipped: number;
  readonly deadLettered: number;
}

export const emptyBooks: Books = {
  consumed: 0,
  applied: 0,
  duplicate: 0,
  stale: 0,
  skipped: 0,
  deadLettered: 0,
};

export function addBooks(a: Books, b: Books): Books {
  return {
    consumed: a.consumed + b.consumed,
    applied: a.applied + b.applied,
    duplicate: a.duplicate + b.duplicate,
    stale: a.stale + b.stale,
    skipped: a.skipped + b.skipped,
    deadLettered: a.deadLettered + b.deadLettered,
  };
}

export function booksBalance(books: Books): boolean {
  return (
    books.applied + books.duplicate + books.stale + books.skipped + books.deadLettered === books.consumed
  );
}
